/// Every n-gram of a text, of order 1 to `order`, with its count, as a tree in three flat arrays.
///
/// A node is an n-gram: the tokens on the path to it from the root, which is the empty n-gram. Its children are the
/// n-grams one token longer, sorted by that token. Nodes are numbered level by level, the root first. So the n-grams of
/// one order are consecutive and in lexicographic order, and the children of a node are a range that ends where the
/// children of the next node begin:
///
///     text "abac"             node        0   1   2   3   4   5   6
///     root                    n-gram      ""  a   b   c   ab  ac  ba
///     +- a -- b, c            tokens      -1  a   b   c   b   c   a
///     +- b -- a               counts      0   2   1   1   1   1   1
///     +- c                    firstChild  1   4   6   7   7              (nodes below the top order, and the end)
///
/// An n-gram needs 12 bytes, and a child is found by binary search.
struct NGramTrie: Sendable {
    /// The order of the longest n-grams.
    let order: Int

    /// The last token of each n-gram; -1 for the root.
    let tokens: [Int32]

    /// At the top order, the number of occurrences of the n-gram. Below, its continuation count: the number of
    /// different tokens that precede it, where the beginning of a document counts as one more. 0 for the root.
    var counts: [Int32]

    /// The children of node `i` are the nodes `firstChild[i] ..< firstChild[i + 1]`.
    let firstChild: [Int32]

    /// The n-grams of order k are the nodes `levelStarts[k] ..< levelStarts[k + 1]`, k from 0 (the root) to `order`.
    let levelStarts: [Int]

    /// The number of nodes that can be a context: those below the top order, including the root.
    var contextCount: Int { firstChild.count - 1 }

    /// The nodes of the n-grams of one order, from 1 to `order`.
    func nodes(ofOrder k: Int) -> Range<Int> {
        levelStarts[k]..<levelStarts[k + 1]
    }

    /// The nodes one token longer than `node`, a node below the top order.
    func children(of node: Int) -> Range<Int> {
        Int(firstChild[node])..<Int(firstChild[node + 1])
    }

    /// The node of `node`'s n-gram followed by `token`; nil if it does not occur.
    func child(of node: Int, token: Int32) -> Int? {
        let children = children(of: node)
        var low = children.lowerBound
        var high = children.upperBound
        while low < high {
            let middle = (low + high) / 2
            if tokens[middle] < token {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < children.upperBound && tokens[low] == token ? low : nil
    }

    /// For each node the node of its n-gram without the first token: for "the", "he". For the root and for single
    /// tokens it is the root. Nil if one is missing, which is impossible if the n-grams are those of a text.
    func suffixLinks() -> [Int32]? {
        var links = [Int32](repeating: 0, count: tokens.count)
        for parent in 1..<contextCount {
            for node in children(of: parent) {
                // For "the": the suffix of "th" is "h", and its child "e" is "he".
                guard let suffix = child(of: Int(links[parent]), token: tokens[node]) else { return nil }
                links[node] = Int32(suffix)
            }
        }
        return links
    }

    /// Continuation counts without the beginnings of documents: the number of different tokens that precede each n-gram
    /// below the top order. Each n-gram one token longer that ends in it contributes one. Nil if a suffix is missing.
    func precedingTokenCounts() -> [Int32]? {
        guard let links = suffixLinks() else { return nil }
        var counts = [Int32](repeating: 0, count: contextCount)
        for node in levelStarts[2]..<tokens.count {
            counts[Int(links[node])] += 1
        }
        return counts
    }
}
