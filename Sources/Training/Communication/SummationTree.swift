/// The order in which the micro-batches of a step are summed: a balanced binary tree.
///
///     sum(a ..< b) = sum(a ..< m) + sum(m ..< b),   m = (a + b) / 2 rounded down
///
/// Addition of floats is not associative, so the order decides the bits. This one does not depend on the number of ranks: each
/// rank sums those subtrees that are whole within its micro-batches, and the rest of the tree is summed over the ranks.
package struct SummationTree {
    /// The number of micro-batches, the leaves.
    let count: Int

    /// - Parameter count: the number of micro-batches of a step, at least 1.
    package init(count: Int) {
        precondition(count > 0, "a step without micro-batches")
        self.count = count
    }

    /// The number of additions between a leaf and the root: the number of sums that wait for others at the same time.
    package var depth: Int { Int.bitWidth - (count - 1).leadingZeroBitCount }

    /// The micro-batches of a rank: neighbours, as many as of any other rank or one fewer.
    func block(of rank: Int, size: Int) -> Range<Int> { rank * count / size..<(rank + 1) * count / size }

    /// The greatest subtrees that lie within a range of micro-batches, in order.
    func subtrees(within range: Range<Int>) -> [Range<Int>] {
        func subtrees(of node: Range<Int>) -> [Range<Int>] {
            if node.clamped(to: range).isEmpty { return [] }
            if range.lowerBound <= node.lowerBound, node.upperBound <= range.upperBound { return [node] }
            let (left, right) = Self.halves(of: node)
            return subtrees(of: left) + subtrees(of: right)
        }
        return subtrees(of: 0..<count)
    }

    /// The subtrees whose sums are added to the last leaf of a subtree, from its root down to the leaf:
    ///
    ///     sum(node) = sum(left 0) + (sum(left 1) + (... + leaf))
    package func leftOfLastLeaf(in node: Range<Int>) -> [Range<Int>] {
        guard node.count > 1 else { return [] }
        let (left, right) = Self.halves(of: node)
        return [left] + leftOfLastLeaf(in: right)
    }

    /// Sums the values of a subtree.
    /// - Parameters:
    ///   - node: the subtree; nil for the whole tree.
    ///   - value: returns the value of a subtree where it is known, and nil where it follows from its halves. It is called from
    ///     left to right, and must know every leaf that is reached.
    ///   - add: adds its second argument to the first.
    package func sum<Value>(
        _ node: Range<Int>? = nil, value: (Range<Int>) throws -> Value?, add: (inout Value, Value) throws -> Void
    ) rethrows -> Value {
        let node = node ?? 0..<count
        if let value = try value(node) { return value }
        precondition(node.count > 1, "the value of micro-batch \(node.lowerBound) is not known")
        let (left, right) = Self.halves(of: node)
        var sum = try sum(left, value: value, add: add)
        try add(&sum, self.sum(right, value: value, add: add))
        return sum
    }

    /// The two subtrees of a subtree.
    private static func halves(of node: Range<Int>) -> (Range<Int>, Range<Int>) {
        let middle = (node.lowerBound + node.upperBound) / 2
        return (node.lowerBound..<middle, middle..<node.upperBound)
    }
}
