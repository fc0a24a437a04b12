/// The merge rule of tiktoken: two tokens merge if their concatenated bytes are a token; the rank is its id.
struct RankRules: MergeRules {
    private let table: TokenTable
    let byteRanks: [UInt32]

    init(_ table: TokenTable) {
        self.table = table
        var byteRanks = [UInt32](repeating: noRank, count: 1 << 16)
        for id in 0..<Int32(table.idCount) where table.length(id) == 2 {
            let token = table.token(id)
            byteRanks[Int(token[0]) << 8 | Int(token[1])] = UInt32(id)
        }
        self.byteRanks = byteRanks
    }

    var rankCount: Int { table.idCount }

    @inline(__always)
    func rank(_ left: Int32, _ right: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
        // -1, for bytes that are not a token, becomes `noRank`.
        length <= table.greatestLength ? UInt32(bitPattern: table.id(start, length)) : noRank
    }

    @inline(__always)
    func result(_ rank: UInt32) -> Int32 { Int32(bitPattern: rank) }
}
