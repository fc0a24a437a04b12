/// Counting: from a text to the trie of its n-grams.
///
/// No dictionary is needed. Write down every place in the text, and sort the places by the `order` tokens that follow
/// each. Equal n-grams, of every order at once, are now neighbours; one walk down the sorted list, comparing each place
/// with the one before it, meets every node of the trie in dictionary order.
extension NGramTrie {
    /// The trie of all n-grams of `documents`, of order 1 to `order`. None runs from one document into the next.
    ///
    /// - Parameters:
    ///   - order: 1 or more.
    ///   - memoryLimit: the bytes that an ``NGramModel`` of this trie may take.
    /// - Throws: ``NGramError`` where the n-grams are too many, before anything is allocated for them.
    init(order: Int, documents: [[Int32]], memoryLimit: Int) throws {
        let tokenCount = documents.reduce(0) { $0 + $1.count }
        guard tokenCount + documents.count < Int32.max else {
            throw NGramError.tooLarge(order: order, tokens: tokenCount)
        }
        // The joined text, its positions twice over, one of them while its array grows, and what neighbours share.
        let working = 32 * tokenCount
        guard working <= memoryLimit else { throw NGramError.memory(order: order, bytes: working, limit: memoryLimit) }
        let text = Self.joined(documents)
        let places = Self.sortedPlaces(of: text, depth: order)
        try self.init(order: order, text: text, sortedPlaces: places, memoryLimit: memoryLimit)

        // The top order now has its counts. Below it, count what precedes instead.
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

    /// What separates documents in the joined text. It is below every id, so an n-gram that a document's end cuts short
    /// sorts before those that go on.
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

    /// The places of `text` that hold a token, sorted by the `depth` tokens from there on.
    ///
    /// A radix sort from the last of these tokens to the first: each pass sorts by one token and keeps the order of the
    /// passes before it among equals. Time depth x (text + largest id).
    private static func sortedPlaces(of text: [Int32], depth: Int) -> [Int32] {
        var places = text.indices.lazy.filter { text[$0] != separator }.map { Int32($0) } as [Int32]
        var sorted = places
        var starts = [Int](repeating: 0, count: Int(text.max() ?? separator) + 3)
        for offset in (0..<depth).reversed() {
            func key(_ place: Int32) -> Int {
                let position = Int(place) + offset
                return position < text.count ? Int(text[position]) + 1 : 0
            }
            // How many places have each key, then where the first of each key belongs, then each to its own.
            for index in starts.indices { starts[index] = 0 }
            for place in places { starts[key(place) + 1] += 1 }
            for index in starts.indices.dropFirst() { starts[index] += starts[index - 1] }
            for place in places {
                let key = key(place)
                sorted[starts[key]] = place
                starts[key] += 1
            }
            swap(&places, &sorted)
        }
        return places
    }

    /// The trie of the sorted places, with the counts of the top order only.
    private init(order: Int, text: [Int32], sortedPlaces: [Int32], memoryLimit: Int) throws {
        /// How many tokens from `place` on belong to its document, `order` at most, given that the first `known` do.
        func length(at place: Int, known: Int) -> Int {
            var length = known
            while length < order, text[place + length] != Self.separator { length += 1 }
            return length
        }

        // How many tokens each place shares with the one before it: the n-grams longer than that are new here.
        var shared = [Int16](repeating: 0, count: sortedPlaces.count)
        var nodesPerLevel = [Int](repeating: 0, count: order + 1)
        nodesPerLevel[0] = 1
        for (index, place) in sortedPlaces.enumerated() {
            let place = Int(place)
            var common = 0
            if index > 0 {
                let previous = Int(sortedPlaces[index - 1])
                while common < order, text[place + common] == text[previous + common],
                    text[place + common] != Self.separator
                {
                    common += 1
                }
            }
            shared[index] = Int16(common)
            let length = length(at: place, known: common)
            for level in common..<length { nodesPerLevel[level + 1] += 1 }
        }

        var starts = [0]
        for count in nodesPerLevel { starts.append(starts[starts.count - 1] + count) }
        let nodeCount = starts[order + 1]
        guard nodeCount < Int32.max else { throw NGramError.tooLarge(order: order, tokens: sortedPlaces.count) }
        let bytes = 12 * nodeCount + 12 * starts[order]  // of the trie, and of what the model adds to each context
        guard bytes <= memoryLimit else { throw NGramError.memory(order: order, bytes: bytes, limit: memoryLimit) }

        var tokens = [Int32](repeating: Self.separator, count: nodeCount)
        var counts = [Int32](repeating: 0, count: nodeCount)
        var firstChild = [Int32](repeating: Int32(nodeCount), count: starts[order] + 1)
        firstChild[0] = 1
        var next = starts  // the node to be met next, at each level
        for (index, place) in sortedPlaces.enumerated() {
            let place = Int(place)
            let known = Int(shared[index])
            let length = length(at: place, known: known)
            for level in known..<length {
                let node = next[level + 1]
                tokens[node] = text[place + level]
                if level + 1 < order { firstChild[node] = Int32(next[level + 2]) }
                next[level + 1] += 1
            }
            if length == order { counts[next[order] - 1] += 1 }
        }
        self.init(order: order, tokens: tokens, counts: counts, firstChild: firstChild, levelStarts: starts)
    }

    /// The nodes below the top order whose n-gram begins some document. These have one more "different token before
    /// them": none at all. Without it the first words of a text would have been preceded by nothing, and not count.
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
