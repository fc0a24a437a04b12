/// Counting: from a text to the trie of its n-grams.
///
/// No dictionary is needed. List all positions in the text, and sort them by the `order` tokens from there on. Equal
/// n-grams, of every order at once, are then adjacent; one pass over the sorted list, comparing each position with the
/// one before it, visits every node of the trie in lexicographic order.
extension NGramTrie {
    /// The trie of all n-grams of `documents`, of order 1 to `order`. No n-gram crosses from one document into the
    /// next.
    ///
    /// - Parameters:
    ///   - order: 1 or more.
    ///   - memoryLimit: the most bytes that an ``NGramModel`` of this trie may use.
    /// - Throws: ``NGramError`` if there are too many n-grams, before anything is allocated for them.
    init(order: Int, documents: [[Int32]], memoryLimit: Int) throws {
        let tokenCount = documents.reduce(0) { $0 + $1.count }
        guard tokenCount + documents.count < Int32.max else {
            throw NGramError.tooLarge(order: order, tokens: tokenCount)
        }
        // The joined text, its positions twice, one of them while its array grows, and the lengths that neighbours
        // share.
        let working = 32 * tokenCount
        guard working <= memoryLimit else { throw NGramError.memory(order: order, bytes: working, limit: memoryLimit) }
        let text = Self.joined(documents)
        let positions = Self.sortedPositions(of: text, depth: order)
        try self.init(order: order, text: text, sortedPositions: positions, memoryLimit: memoryLimit)

        // The top order now has its counts. Below it, count the preceding tokens instead.
        guard let preceding = precedingTokenCounts() else {
            preconditionFailure("every suffix of an n-gram of a text is an n-gram of it")
        }
        for node in 1..<contextCount {
            counts[node] = preceding[node]
        }
        for node in nodesAtBeginnings(of: documents) {
            counts[node] += 1
        }
    }

    /// The separator of documents in the joined text. It is below every id, so an n-gram at the end of a document sorts
    /// before longer ones.
    private static let separator: Int32 = -1

    private static func joined(_ documents: [[Int32]]) -> [Int32] {
        var text: [Int32] = []
        text.reserveCapacity(documents.reduce(0) { $0 + $1.count + 1 })
        for document in documents {
            text += document
            text.append(separator)
        }
        return text
    }

    /// The positions of tokens in `text`, sorted by the `depth` tokens from there on.
    ///
    /// A radix sort from the last of these tokens to the first: each pass sorts by one token and, among equal tokens,
    /// keeps the order of the passes before it. Time: O(depth x (text + largest id)).
    private static func sortedPositions(of text: [Int32], depth: Int) -> [Int32] {
        var positions = text.indices.lazy.filter { text[$0] != separator }.map { Int32($0) } as [Int32]
        var sorted = positions
        var starts = [Int](repeating: 0, count: Int(text.max() ?? separator) + 3)
        for offset in (0..<depth).reversed() {
            func key(_ position: Int32) -> Int {
                let index = Int(position) + offset
                return index < text.count ? Int(text[index]) + 1 : 0
            }
            // The number of positions with each key, then the first index of each key, then each position to its index.
            for index in starts.indices { starts[index] = 0 }
            for position in positions { starts[key(position) + 1] += 1 }
            for index in starts.indices.dropFirst() { starts[index] += starts[index - 1] }
            for position in positions {
                let key = key(position)
                sorted[starts[key]] = position
                starts[key] += 1
            }
            swap(&positions, &sorted)
        }
        return positions
    }

    /// The trie of the sorted positions, with the counts of the top order only.
    private init(order: Int, text: [Int32], sortedPositions: [Int32], memoryLimit: Int) throws {
        /// The number of tokens from `position` on in its document, at most `order`, given that the first `known` are
        /// in it.
        func length(at position: Int, known: Int) -> Int {
            var length = known
            while length < order, text[position + length] != Self.separator { length += 1 }
            return length
        }

        // The number of tokens that each position shares with the one before it: longer n-grams are new here.
        var shared = [Int16](repeating: 0, count: sortedPositions.count)
        var nodesPerLevel = [Int](repeating: 0, count: order + 1)
        nodesPerLevel[0] = 1
        for (index, position) in sortedPositions.enumerated() {
            let position = Int(position)
            var common = 0
            if index > 0 {
                let previous = Int(sortedPositions[index - 1])
                while common < order, text[position + common] == text[previous + common],
                    text[position + common] != Self.separator
                {
                    common += 1
                }
            }
            shared[index] = Int16(common)
            let length = length(at: position, known: common)
            for level in common..<length { nodesPerLevel[level + 1] += 1 }
        }

        var starts = [0]
        for count in nodesPerLevel { starts.append(starts[starts.count - 1] + count) }
        let nodeCount = starts[order + 1]
        guard nodeCount < Int32.max else { throw NGramError.tooLarge(order: order, tokens: sortedPositions.count) }
        let bytes = 12 * nodeCount + 12 * starts[order]  // of the trie, and of what the model adds
        guard bytes <= memoryLimit else { throw NGramError.memory(order: order, bytes: bytes, limit: memoryLimit) }

        var tokens = [Int32](repeating: Self.separator, count: nodeCount)
        var counts = [Int32](repeating: 0, count: nodeCount)
        var firstChild = [Int32](repeating: Int32(nodeCount), count: starts[order] + 1)
        firstChild[0] = 1
        var next = starts  // the next node at each level
        for (index, position) in sortedPositions.enumerated() {
            let position = Int(position)
            let known = Int(shared[index])
            let length = length(at: position, known: known)
            for level in known..<length {
                let node = next[level + 1]
                tokens[node] = text[position + level]
                if level + 1 < order { firstChild[node] = Int32(next[level + 2]) }
                next[level + 1] += 1
            }
            if length == order { counts[next[order] - 1] += 1 }
        }
        self.init(order: order, tokens: tokens, counts: counts, firstChild: firstChild, levelStarts: starts)
    }

    /// The nodes below the top order whose n-gram begins a document. The beginning counts as one more preceding token
    /// for them; otherwise the first tokens of a text would have a count of 0.
    private func nodesAtBeginnings(of documents: [[Int32]]) -> Set<Int> {
        var nodes: Set<Int> = []
        for document in documents {
            var node = 0
            for token in document.prefix(order - 1) {
                guard let child = child(of: node, token: token) else { break }
                node = child
                nodes.insert(node)
            }
        }
        return nodes
    }
}
