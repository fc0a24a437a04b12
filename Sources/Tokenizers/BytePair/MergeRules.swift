/// Which adjacent tokens a vocabulary merges, and in what order: the pair with the lowest rank first.
protocol MergeRules: Sendable {
    /// The number of ranks, which run from 0 to one less.
    var rankCount: Int { get }

    /// The rank of merging each pair of bytes, at the index with the first byte in its upper half.
    var byteRanks: [UInt32] { get }

    /// The rank of merging two tokens, or `noRank` if they do not merge. The bytes of both are the `length` ones at
    /// `start`, where 16 must be readable.
    func rank(_ left: Int32, _ right: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> UInt32

    /// The token that the merge with this rank produces.
    func result(_ rank: UInt32) -> Int32
}

/// The rank of a pair that does not merge, above all ranks.
let noRank = UInt32.max
