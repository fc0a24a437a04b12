/// The keys and values of one sequence in one layer, for all positions so far: what `Attention` reads in generation.
///
/// Each sequence has memory of its own. So sequences of different lengths can be computed in one step, and any of them can
/// leave without moving the others.
package final class CachedSequence {
    /// (N, keyValueHeads x size). The first `length` rows are filled. Keys are stored rotated.
    package private(set) var keys: Tensor
    package private(set) var values: Tensor
    package private(set) var length = 0
    private let capacity: Int

    /// The rows that a new sequence has memory for.
    private static let firstRoom = 64

    /// - Parameters:
    ///   - capacity: the most positions. Memory grows with the positions in use: models with a context of a hundred
    ///     thousand tokens mostly process few.
    ///   - width: the total width of all heads of the keys, which is also that of the values.
    package init(capacity: Int, width: Int) {
        self.capacity = capacity
        keys = Tensor(uninitialized: [min(capacity, Self.firstRoom), width])
        values = Tensor(uninitialized: [min(capacity, Self.firstRoom), width])
    }

    /// A copy of the first rows of another sequence.
    package convenience init(copying other: CachedSequence, length: Int) {
        precondition(length <= other.length, "\(length) positions of a sequence with \(other.length)")
        self.init(capacity: other.capacity, width: other.keys.shape.columns)
        reserve(length)
        copyRows(of: other.keys, count: length, to: keys)
        copyRows(of: other.values, count: length, to: values)
        self.length = length
    }

    /// Removes all positions; the memory remains.
    package func clear() { length = 0 }

    /// Appends the keys and values of T new positions.
    /// - Parameters:
    ///   - newKeys: the rows to append, among other columns: those from `keyColumn` on.
    ///   - newValues: the same for the values.
    ///   - keyColumn: the first column of the keys.
    ///   - valueColumn: the first column of the values.
    ///   - rows: the rows of this sequence.
    package func append(
        keys newKeys: Tensor, from keyColumn: Int, values newValues: Tensor, from valueColumn: Int, rows: Range<Int>
    ) {
        precondition(length + rows.count <= capacity, "\(length + rows.count) positions in a cache for \(capacity)")
        reserve(length + rows.count)
        append(newKeys, from: keyColumn, rows: rows, to: keys)
        append(newValues, from: valueColumn, rows: rows, to: values)
        length += rows.count
    }

    /// Makes room for so many positions, and keeps the contents.
    private func reserve(_ count: Int) {
        let room = keys.shape[0]
        guard count > room else { return }
        let shape: Shape = [min(capacity, max(count, 2 * room)), keys.shape.columns]
        let (oldKeys, oldValues) = (keys, values)
        (keys, values) = (Tensor(uninitialized: shape), Tensor(uninitialized: shape))
        copyRows(of: oldKeys, count: length, to: keys)
        copyRows(of: oldValues, count: length, to: values)
    }

    private func copyRows(of from: Tensor, count: Int, to: Tensor) {
        let width = from.shape.columns
        from.withElements { from in
            to.withElements { to in _ = to.update(fromContentsOf: from[..<(count * width)]) }
        }
    }

    private func append(_ new: Tensor, from column: Int, rows: Range<Int>, to cached: Tensor) {
        let stride = new.shape.columns, width = cached.shape.columns
        new.withElements { new in
            cached.withElements { cached in
                for (i, row) in rows.enumerated() {
                    let from = row * stride + column, to = (length + i) * width
                    _ = cached[to..<to + width].update(fromContentsOf: new[from..<from + width])
                }
            }
        }
    }
}
