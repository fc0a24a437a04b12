/// The rows of a tensor, a chunk at a time.
///
/// For ops on the way through which something much wider exists than they take and give: the inner vectors of a
/// feed-forward network, the logits of a classifier. One chunk of it is made, read by the next product while it is in
/// cache, and overwritten by the next chunk; so it never exists for all rows.
///
/// Rows are cut by the shape alone, so that a sum over rows, which is taken chunk by chunk, has the same terms in the same
/// order on any number of threads.
package struct RowChunks: Sequence {
    /// All of them.
    package let rows: Int
    /// Rows of each chunk but the last, which may have fewer.
    package let size: Int

    /// Rows that a matrix product takes at a time (`BLOCK_ROWS` of matmul.c).
    private static let block = 96

    /// - Parameters:
    ///   - rows: how many there are.
    ///   - columns: of the wide tensor.
    ///   - elements: how many elements of the wide tensor may exist at a time. A chunk is the largest number of whole blocks
    ///     of the matrix product that stays within it, or if it is less than a block, of rows; at least one row.
    package init(rows: Int, columns: Int, elements: Int) {
        self.rows = rows
        let most = elements / columns
        size = Swift.max(1, Swift.min(rows, most >= Self.block ? most / Self.block * Self.block : most))
    }

    package func makeIterator() -> some IteratorProtocol<RowChunk> {
        stride(from: 0, to: rows, by: size).lazy.map { RowChunk(rows: $0..<Swift.min($0 + size, rows)) }.makeIterator()
    }

    /// A right factor that the products of all chunks share, packed once for them; nil if there is only one chunk, for
    /// whose product packing it before gains nothing.
    func packing(_ factor: Matrix) -> PackedMatrix? { size < rows ? PackedMatrix(factor) : nil }
}

/// Some of the rows of a tensor.
package struct RowChunk {
    /// Which they are.
    package let rows: Range<Int>

    /// Where they are in a tensor that holds one chunk after another.
    var here: Range<Int> { 0..<rows.count }

    /// Where a sum over all rows goes: each chunk adds to what those before it have written.
    func sum(
        _ destination: (tensor: Tensor, add: Bool)?
    ) -> (tensor: Tensor, add: Bool)? {
        destination.map { ($0.tensor, $0.add || rows.lowerBound > 0) }
    }
}
