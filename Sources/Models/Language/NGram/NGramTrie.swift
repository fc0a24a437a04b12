/// Every n-gram of a text, of order 1 to `order`, with its count, as a tree in three flat arrays.
///
/// A node is an n-gram: the tokens on the path to it from the root, which is the empty one. Its children are the
/// n-grams one token longer, in the order of that token. Nodes are numbered level by level, the root first, so that
/// the n-grams of one order are neighbours sorted as in a dictionary, the children of a node are a range, and where
/// one node's children end the next node's begin:
///
///     text "abac"             node        0   1   2   3   4   5   6
///     root                    n-gram      ""  a   b   c   ab  ac  ba
///     +- a -- b, c            tokens      -1  a   b   c   b   c   a
///     +- b -- a               counts      0   2   1   1   1   1   1
///     +- c                    firstChild  1   4   6   7   7              (nodes below the top order, and the end)
///
/// 12 bytes an n-gram, and finding a child is a binary search.
struct NGramTrie: Sendable {
    /// The longest n-grams held.
    let order: Int

    /// The last token of each n-gram; -1 for the root.
    let tokens: [Int32]

    /// At the top order, how often the n-gram occurs. Below, its continuation count: how many different tokens precede
    /// it, the beginning of a document counting as one more. 0 for the root.
    var counts: [Int32]

    /// The children of node `i` are the nodes `firstChild[i] ..< firstChild[i + 1]`.
    let firstChild: [Int32]

    /// The n-grams of order k are the nodes `levelStarts[k] ..< levelStarts[k + 1]`, k from 0 (the root) to `order`.
    let levelStarts: [Int]

    /// How many nodes can be a context: those below the top order, the root included.
    var contextCount: Int { firstChild.count - 1 }

    /// The nodes of the n-grams of one order, from 1 to `order`.
    func nodes(ofOrder k: Int) -> Range<Int> {
        levelStarts[k]..<levelStarts[k + 1]
    }

    /// The nodes one token longer than `node`, a node below the top order.
    func children(of node: Int) -> Range<Int> {
        Int(firstChild[node])..<Int(firstChild[node + 1])
    }

    /// The node of `node`'s n-gram with `token` added, or nil if it never occurred.
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

    /// For each node the node of its n-gram without the first token: of "the", "he". The root's and that of a single
    /// token is the root. Nil if one is missing, which cannot be where the n-grams came from a text.
    func suffixLinks() -> [Int32]? {
        var links = [Int32](repeating: 0, count: tokens.count)
        for parent in 1..<contextCount {
            for node in children(of: parent) {
                // Of "the": the suffix of "th" is "h", and its child "e" is "he".
                guard let suffix = child(of: Int(links[parent]), token: tokens[node]) else { return nil }
                links[node] = Int32(suffix)
            }
        }
        return links
    }

    /// Continuation counts but for the beginnings of documents: how many different tokens precede each n-gram below the
    /// top order. Each n-gram one token longer that ends in it shows one of them. Nil if a suffix is missing.
    func precedingTokenCounts() -> [Int32]? {
        guard let links = suffixLinks() else { return nil }
        var counts = [Int32](repeating: 0, count: contextCount)
        for node in levelStarts[2]..<tokens.count {
            counts[Int(links[node])] += 1
        }
        return counts
    }
}
