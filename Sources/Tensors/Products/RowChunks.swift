/// The rows of a tensor in chunks.
///
/// Some ops have an intermediate tensor much wider than their inputs and outputs: the hidden vectors of a feed-forward
/// network, the logits of a classifier. Its chunk is computed, read by the next product while it is in cache, and
/// overwritten by the next chunk; so it never exists for all rows.
///
/// The chunks depend on the shape only. So a sum over rows, which is computed chunk by chunk, has the same terms in the
/// same order on any number of threads.
package struct RowChunks: Sequence {
    /// The number of all rows.
    package let rows: Int
    /// The number of rows of a chunk; the last may have fewer.
    package let size: Int

    /// Rows of a block of the matrix product (`BLOCK_ROWS` of matmul.c).
    private static let block = 96

    /// - Parameters:
    ///   - rows: the number of all rows.
    ///   - columns: of the wide tensor.
    ///   - elements: the most elements of the wide tensor that may exist at a time. A chunk is as many whole blocks of
    ///     the matrix product as that allows, or, if that is less than one block, as many rows, but at least one row.
    package init(rows: Int, columns: Int, elements: Int) {
        self.rows = rows
        let most = elements / columns
        size = Swift.max(1, Swift.min(rows, most >= Self.block ? most / Self.block * Self.block : most))
    }

    package func makeIterator() -> some IteratorProtocol<RowChunk> {
        stride(from: 0, to: rows, by: size).lazy.map { RowChunk(rows: $0..<Swift.min($0 + size, rows)) }.makeIterator()
    }

    /// A right factor that the products of all chunks share, packed once; nil for a single chunk, whose product packs
    /// it anyway.
    func packing(_ factor: Matrix) -> PackedMatrix? { size < rows ? PackedMatrix(factor) : nil }
}

/// Some of the rows of a tensor.
package struct RowChunk {
    /// The indices of the rows.
    package let rows: Range<Int>

    /// The same rows in a tensor that holds one chunk at a time.
    var here: Range<Int> { 0..<rows.count }

    /// The destination of a sum over all rows: each chunk after the first adds to it.
    func sum(
        _ destination: (tensor: Tensor, add: Bool)?
    ) -> (tensor: Tensor, add: Bool)? {
        destination.map { ($0.tensor, $0.add || rows.lowerBound > 0) }
    }
}
