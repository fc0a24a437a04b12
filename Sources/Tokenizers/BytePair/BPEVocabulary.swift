/// The tokens of a byte-level byte-pair encoding, and the merges that produce the longer tokens from shorter ones
/// (Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016; over bytes since
/// Radford et al., "Language Models are Unsupervised Multitask Learners", 2019).
///
/// Every byte is a token, so every text can be encoded. Some ids may be unused.
public struct BPEVocabulary: Sendable {
    /// All ids are below this, which bounds the size of the tables that a file can require.
    public static let greatestIDCount = 1 << 22

    let table: TokenTable

    /// The pairs of bytes that are adjacent in some token.
    let adjacentBytes: AdjacentByteSet

    /// The id of each byte.
    public let byteIDs: [Int32]

    /// Which pairs of tokens merge, and in what order.
    enum Rules {
        /// Pairs whose concatenated bytes are a token, the lowest id first.
        case ranks(RankRules)
        /// The pairs of a list, the earliest first.
        case mergeList(MergeListRules, [Merge])
    }

    let rules: Rules

    /// A vocabulary with the merge rule of tiktoken: two adjacent tokens merge if their concatenated bytes are a token, the
    /// lowest id first.
    ///
    /// - Parameter tokens: the bytes of each id, empty for an unused id.
    /// - Throws: `TokenizerError.vocabulary` unless the tokens are distinct and every byte is a token.
    public init(rankedTokens tokens: [[UInt8]]) throws(TokenizerError) {
        let (bytes, spans, ids) = Self.joined(tokens)
        try self.init(bytes: bytes, spans: spans, ids: ids, merges: nil)
    }

    /// A vocabulary with a list of merges.
    ///
    /// - Parameters:
    ///   - tokens: the bytes of each id, empty for an unused id.
    ///   - merges: the merges in the order of their priority, the first learned first.
    /// - Throws: `TokenizerError.vocabulary` unless the tokens are distinct, every byte is a token, each merge produces the
    ///   token that has the bytes of its parts, and no pair occurs twice.
    public init(tokens: [[UInt8]], merges: [Merge]) throws(TokenizerError) {
        let (bytes, spans, ids) = Self.joined(tokens)
        try self.init(bytes: bytes, spans: spans, ids: ids, merges: merges)
    }

    private static func joined(_ tokens: [[UInt8]]) -> (bytes: [UInt8], spans: [Range<Int>], ids: [Int32]) {
        var bytes: [UInt8] = []
        var spans: [Range<Int>] = []
        var ids: [Int32] = []
        for (id, token) in tokens.enumerated() where !token.isEmpty {
            spans.append(bytes.count..<bytes.count + token.count)
            ids.append(Int32(truncatingIfNeeded: id))
            bytes += token
        }
        return (bytes, spans, ids)
    }

    /// A vocabulary whose tokens are in one array, as readers of files collect them.
    /// - Parameters:
    ///   - bytes: the concatenated tokens.
    ///   - spans: the bytes of each token.
    ///   - ids: the id of each token.
    ///   - merges: the list of merges; `nil` for tiktoken's rule.
    init(bytes: [UInt8], spans: [Range<Int>], ids: [Int32], merges: [Merge]?) throws(TokenizerError) {
        for id in ids where id < 0 || id >= Self.greatestIDCount {
            throw .vocabulary("the id \(id) is not below \(Self.greatestIDCount)")
        }
        var seen = [Bool](repeating: false, count: Int(ids.max() ?? -1) + 1)
        for (id, span) in zip(ids, spans) {
            if seen[Int(id)] { throw .vocabulary("two tokens have the id \(id)") }
            if span.isEmpty { throw .vocabulary("the token with id \(id) is empty") }
            seen[Int(id)] = true
        }
        do {
            table = try TokenTable(bytes: bytes, spans: spans, ids: ids)
        } catch {
            switch error {
            case .sameBytes(let first, let second):
                throw .vocabulary("the ids \(first) and \(second) have the same bytes")
            }
        }
        adjacentBytes = AdjacentByteSet(table)
        var byteIDs: [Int32] = []
        for byte in UInt8.min...UInt8.max {
            guard let id = table.id(of: [byte]) else { throw .vocabulary("there is no token for the byte \(byte)") }
            byteIDs.append(id)
        }
        self.byteIDs = byteIDs
        guard let merges else {
            rules = .ranks(RankRules(table))
            return
        }
        try Self.check(merges, table)
        rules = .mergeList(MergeListRules(merges, byteIDs: byteIDs), merges)
    }

    private static func check(_ merges: [Merge], _ table: TokenTable) throws(TokenizerError) {
        var pairs = Set<Merge>(minimumCapacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            let left = table.token(merge.left)
            let right = table.token(merge.right)
            let result = table.token(merge.result)
            guard !left.isEmpty, !right.isEmpty, result.count == left.count + right.count,
                result.starts(with: left), result[left.count...].elementsEqual(right)
            else {
                throw .vocabulary(
                    "merge \(rank), of the ids \(merge.left) and \(merge.right), does not give the token \(merge.result)"
                )
            }
            guard pairs.insert(merge).inserted else {
                throw .vocabulary("merge \(rank), of the ids \(merge.left) and \(merge.right), occurs twice")
            }
        }
    }

    // MARK: Reading it

    /// One more than the greatest id.
    public var idCount: Int { table.idCount }

    /// The number of tokens.
    public var count: Int { table.count }

    /// Whether merges follow tiktoken's rule, and not a list.
    package var mergesByRank: Bool { if case .ranks = rules { true } else { false } }

    /// The bytes of a token; empty for an unused or invalid id.
    public func bytes(of id: Int32) -> [UInt8] { Array(table.token(id)) }

    /// Whether there is a token with this id.
    func hasToken(_ id: Int32) -> Bool { !table.token(id).isEmpty }

    /// The id of the token with exactly these bytes.
    public func id(of bytes: some Collection<UInt8>) -> Int32? { table.id(of: bytes) }

    /// The merges in the order of their priority. For tiktoken's rule they are derived from the tokens: the merge of a token is
    /// the last one when its bytes are merged with the tokens of lower ids. A token that no two others form has none.
    public var merges: [Merge] {
        switch rules {
        case .mergeList(_, let merges): return merges
        case .ranks:
            return (0..<Int32(idCount)).compactMap { id in
                let parts = parts(of: table.token(id), below: id)
                return parts.count == 2 ? Merge(left: parts[0], right: parts[1], result: id) : nil
            }
        }
    }

    /// The tokens that the bytes of `token` are merged into by tiktoken's rule, with the ids below `limit` only.
    private func parts(of token: UnsafeBufferPointer<UInt8>, below limit: Int32) -> [Int32] {
        guard token.count > 1 else { return [] }
        var starts = Array(0...token.count)
        func id(_ first: Int, _ end: Int) -> Int32 {
            table.id(of: token[starts[first]..<starts[end]]) ?? .max
        }
        while starts.count > 3 {
            var best = limit
            var part = 0
            for candidate in 0..<starts.count - 2 {
                let joined = id(candidate, candidate + 2)
                if joined < best { (best, part) = (joined, candidate) }
            }
            if best == limit { break }
            starts.remove(at: part + 1)
        }
        return (0..<starts.count - 1).map { id($0, $0 + 1) }
    }
}
