/// Token ids of B sequences, one sequence after another: of T tokens each, (B, T), or of different lengths.
public struct TokenBatch: Sendable, Equatable {
    /// B, the number of sequences.
    public let batch: Int
    /// T, the number of tokens of each sequence, or of the longest.
    public let length: Int
    /// The ids, sequence by sequence.
    public let ids: [Int32]
    /// The lengths of the sequences, where they may differ.
    public let lengths: SequenceLengths?

    /// Sequences of the same length.
    /// - Precondition: there are batch times length ids.
    public init(batch: Int, length: Int, ids: [Int32]) {
        precondition(ids.count == batch * length, "\(ids.count) ids cannot fill (\(batch), \(length))")
        self.batch = batch
        self.length = length
        self.ids = ids
        lengths = nil
    }

    /// A batch of one sequence.
    public init(_ ids: [Int32]) { self.init(batch: 1, length: ids.count, ids: ids) }

    /// Sequences of any lengths, without padding.
    /// - Precondition: there is a sequence, and none is empty.
    public init(_ sequences: [[Int32]]) {
        self.init(SequenceLengths(sequences.map(\.count)), ids: Array(sequences.joined()))
    }

    /// Sequences of the given lengths.
    /// - Precondition: there are as many ids as the lengths add up to.
    public init(_ lengths: SequenceLengths, ids: [Int32]) {
        precondition(ids.count == lengths.rows, "\(ids.count) ids cannot fill \(lengths.rows) positions")
        batch = lengths.count
        length = lengths.longest
        self.ids = ids
        self.lengths = lengths
    }

    /// Other ids in sequences of the same lengths.
    package func replacing(_ ids: [Int32]) -> TokenBatch {
        lengths.map { TokenBatch($0, ids: ids) } ?? TokenBatch(batch: batch, length: length, ids: ids)
    }

    /// The dimensions of the ids, before that of their vectors: (B, T), or (1, N) for sequences of different lengths.
    package var dimensions: [Int] { lengths == nil ? [batch, length] : [1, ids.count] }

    /// The rows of a sequence among all rows.
    package func rows(of sequence: Int) -> Range<Int> {
        lengths.map { $0[sequence] } ?? sequence * length..<(sequence + 1) * length
    }
}
