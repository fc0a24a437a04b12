/// Token ids of B sequences of T tokens each: (B, T), row by row.
public struct TokenBatch: Sendable, Equatable {
    /// B, the number of sequences.
    public let batch: Int
    /// T, the number of tokens of each sequence.
    public let length: Int
    /// The B T ids, sequence by sequence.
    public let ids: [Int32]

    /// - Precondition: there are batch times length ids.
    public init(batch: Int, length: Int, ids: [Int32]) {
        precondition(ids.count == batch * length, "\(ids.count) ids cannot fill (\(batch), \(length))")
        self.batch = batch
        self.length = length
        self.ids = ids
    }

    /// A batch of one sequence.
    public init(_ ids: [Int32]) { self.init(batch: 1, length: ids.count, ids: ids) }
}
