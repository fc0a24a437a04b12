import Tensors

/// How the file of another program stores a matrix that this library stores as (rows, columns).
package enum WeightLayout: Sendable, Equatable {
    /// In the same order.
    case same
    /// As its transpose: a layer's weight (inputs, outputs) as (outputs, inputs).
    case transposed
    /// With the rows of each head interleaved: alternately one of its first half and one of its second. The queries and keys of
    /// a Llama are stored this way if rotary positions rotate adjacent elements rather than halves.
    case interleaved(heads: Int)

    /// The shape in the file of a tensor with the shape `shape` in memory.
    package func shape(of shape: [Int]) -> [Int] { self == .transposed && shape.count == 2 ? shape.reversed() : shape }

    /// The row in memory of row `row` in the file, of `rows`; not for `transposed`.
    func source(of row: Int, rows: Int) -> Int {
        guard case .interleaved(let heads) = self else { return row }
        let size = rows / heads
        let (head, position) = row.quotientAndRemainder(dividingBy: size)
        return head * size + position % 2 * (size / 2) + position / 2
    }
}
