/// Conversion of the model to flat arrays of numbers for a file, and back.
extension NGramModel {
    /// The contents of a file, all Int32. ``init(order:vocabularySize:arrays:)`` creates an identical model from them.
    ///
    /// - `tokens`: (n-grams + 1) the last token of each n-gram, the root's -1 first, order by order, sorted.
    /// - `counts`: (n-grams + 1) the count of each, below the top order its continuation count; the root's is 0.
    /// - `first_child`: (n-grams below the top order + 2) the index of the first n-gram one token longer, and the end.
    /// - `discounts_per_order`: (1) 3 for modified, 1 for single discounting.
    ///
    /// The discounts are not stored: they are computed from the counts.
    package var arrays: [(name: String, values: [Int32])] {
        [
            ("tokens", trie.tokens),
            ("counts", trie.counts),
            ("first_child", trie.firstChild),
            ("discounts_per_order", [Int32(discounting.rawValue)]),
        ]
    }

    /// A model from stored ``arrays``. They are untrusted, so everything is checked.
    ///
    /// - Throws: ``NGramError`` if they are not the n-grams of a text.
    package convenience init(order: Int, vocabularySize: Int, arrays: [String: [Int32]]) throws {
        try Self.validate(order: order, vocabularySize: vocabularySize)
        func array(_ name: String) throws -> [Int32] {
            guard let values = arrays[name] else { throw NGramError.damaged("the array \(name) is missing") }
            return values
        }
        let stored = try array("discounts_per_order")
        guard stored.count == 1, let discounting = NGramDiscounting(rawValue: Int(stored[0])) else {
            throw NGramError.damaged("discounts_per_order is neither 1 nor 3")
        }
        let trie = try NGramTrie(
            order: order, vocabularySize: vocabularySize, tokens: array("tokens"), counts: array("counts"),
            firstChild: array("first_child"))
        self.init(vocabularySize: vocabularySize, discounting: discounting, trie: trie)
    }
}

extension NGramTrie {
    /// A trie from the arrays of a file.
    ///
    /// - Throws: ``NGramError/damaged(_:)`` unless the arrays form a trie, siblings are sorted ids of the vocabulary,
    ///   the suffix of each n-gram exists, and each continuation count agrees with the n-grams.
    fileprivate init(order: Int, vocabularySize: Int, tokens: [Int32], counts: [Int32], firstChild: [Int32]) throws {
        guard tokens.count <= Int32.max, tokens.count == counts.count else {
            throw NGramError.damaged("tokens has \(tokens.count) elements and counts has \(counts.count)")
        }
        guard tokens.first == -1, counts.first == 0 else {
            throw NGramError.damaged("tokens and counts do not begin with the root's -1 and 0")
        }
        let levelStarts = try Self.levelStarts(order: order, nodeCount: tokens.count, firstChild: firstChild)
        self.init(order: order, tokens: tokens, counts: counts, firstChild: firstChild, levelStarts: levelStarts)
        try validateTokens(vocabularySize: vocabularySize)
        try validateCounts()
    }

    /// Level k + 1 begins with the children of the first node of level k.
    private static func levelStarts(order: Int, nodeCount: Int, firstChild: [Int32]) throws -> [Int] {
        guard firstChild.count >= 2, firstChild[0] == 1, Int(firstChild[firstChild.count - 1]) == nodeCount else {
            throw NGramError.damaged("first_child does not run from 1 to \(nodeCount), the number of tokens")
        }
        for index in 1..<firstChild.count where firstChild[index] < firstChild[index - 1] {
            throw NGramError.damaged("first_child decreases at index \(index)")
        }
        var starts = [0]
        for _ in 0...order {
            let start = starts[starts.count - 1]
            guard start < firstChild.count else {
                throw NGramError.damaged("first_child has \(firstChild.count) elements, too few for order \(order)")
            }
            starts.append(Int(firstChild[start]))
        }
        guard starts[order] == firstChild.count - 1 else {
            throw NGramError.damaged("first_child has \(firstChild.count) elements, too many for order \(order)")
        }
        return starts
    }

    private func validateTokens(vocabularySize: Int) throws {
        for node in tokens.indices.dropFirst() where tokens[node] < 0 || Int(tokens[node]) >= vocabularySize {
            throw NGramError.damaged(
                "tokens[\(node)] is \(tokens[node]), outside the vocabulary of \(vocabularySize)")
        }
        for parent in 0..<contextCount {
            for node in children(of: parent).dropFirst() where tokens[node] <= tokens[node - 1] {
                throw NGramError.damaged("tokens[\(node)] is not above the token before it")
            }
        }
    }

    private func validateCounts() throws {
        var occurrences = 0
        for node in tokens.indices.dropFirst() where counts[node] < 1 {
            throw NGramError.damaged("counts[\(node)] is \(counts[node]), not a positive number")
        }
        for node in nodes(ofOrder: order) { occurrences += Int(counts[node]) }
        guard occurrences <= Int32.max else {
            throw NGramError.damaged(
                "counts has \(occurrences) n-grams of order \(order) in total, more than a text can have")
        }
        guard let preceding = precedingTokenCounts() else {
            throw NGramError.damaged("tokens has an n-gram without the shorter one it ends in")
        }
        // One more is correct if the n-gram begins a document.
        for node in 1..<contextCount
        where counts[node] != preceding[node] && counts[node] != preceding[node] + 1 {
            throw NGramError.damaged(
                "counts[\(node)] is \(counts[node]), but \(preceding[node]) different tokens precede that n-gram")
        }
    }
}
