/// The lengths of the sequences of a batch that are not all equally long.
///
/// Such sequences are stored one after another, without padding: a tensor of the batch is (1, N, C), where N is the
/// number of all tokens. So an op that treats each row by itself needs no lengths, padding costs nothing, and no result
/// can depend on it.
public struct SequenceLengths: Sendable, Hashable {
    /// The first row of each sequence and, at the end, the number of all rows: B + 1 numbers.
    public let starts: [Int64]
    /// The number of rows of the longest sequence.
    public let longest: Int

    /// - Precondition: there is a sequence, and none is empty.
    public init(_ lengths: [Int]) {
        precondition(!lengths.isEmpty && lengths.allSatisfy { $0 > 0 }, "\(lengths) are not lengths of sequences")
        var starts: [Int64] = [0]
        starts.reserveCapacity(lengths.count + 1)
        for length in lengths { starts.append(starts[starts.count - 1] + Int64(length)) }
        self.starts = starts
        longest = lengths.max() ?? 0
    }

    /// B, the number of sequences.
    public var count: Int { starts.count - 1 }

    /// N, the number of all rows.
    public var rows: Int { Int(starts[count]) }

    /// The rows of a sequence.
    public subscript(sequence: Int) -> Range<Int> { Int(starts[sequence])..<Int(starts[sequence + 1]) }

    /// The position of each row in its sequence: N numbers.
    package var positions: [Int32] { (0..<count).flatMap { 0..<Int32(self[$0].count) } }
}
