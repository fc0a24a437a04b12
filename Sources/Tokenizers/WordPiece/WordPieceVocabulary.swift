/// The tokens of a WordPiece vocabulary: beginnings of words, and pieces that continue a word, which are spelled with a prefix
/// (`##ing`).
public final class WordPieceVocabulary: Sendable {
    /// The prefix of pieces that continue a word, usually `##`.
    public let continuingPrefix: String

    /// The number of tokens.
    public let count: Int

    /// One more than the greatest id; 0 without tokens.
    let idCount: Int

    /// All tokens as they are spelled.
    let table: TokenTable

    /// The pieces that continue a word, without their prefix.
    let continuing: TokenTable

    /// The id of the empty token, which no text is encoded as.
    private let emptyID: Int32?

    /// A vocabulary of tokens whose ids are their positions.
    /// - Throws: `TokenizerError.vocabulary` if two tokens are the same.
    public convenience init(tokens: [String], continuingPrefix: String = "##") throws(TokenizerError) {
        try self.init(
            tokens.enumerated().map { (token: $1, id: Int32($0)) }, continuingPrefix: continuingPrefix)
    }

    /// A vocabulary of tokens with ids that are not negative and all different.
    package init(_ tokens: [(token: String, id: Int32)], continuingPrefix: String) throws(TokenizerError) {
        let prefix = Array(continuingPrefix.utf8)
        var bytes: [UInt8] = []
        var spans: [Range<Int>] = [], ids: [Int32] = []
        var continuingSpans: [Range<Int>] = [], continuingIDs: [Int32] = []
        var emptyID: Int32?
        for (token, id) in tokens {
            if token.isEmpty {
                if let emptyID { throw .vocabulary("the ids \(emptyID) and \(id) are both empty tokens") }
                emptyID = id
                continue
            }
            let start = bytes.count
            bytes += token.utf8
            spans.append(start..<bytes.count)
            ids.append(id)
            if bytes.count - start > prefix.count, bytes[start...].starts(with: prefix) {
                continuingSpans.append(start + prefix.count..<bytes.count)
                continuingIDs.append(id)
            }
        }
        do {
            table = try TokenTable(bytes: bytes, spans: spans, ids: ids)
            continuing = try TokenTable(bytes: bytes, spans: continuingSpans, ids: continuingIDs)
        } catch {
            switch error {
            case .sameBytes(let first, let second):
                throw .vocabulary("the ids \(first) and \(second) are the same token")
            }
        }
        self.continuingPrefix = continuingPrefix
        self.emptyID = emptyID
        count = tokens.count
        idCount = max(table.idCount, Int(emptyID ?? -1) + 1)
    }

    /// The token of an id as it is spelled; `nil` if the id has none.
    public func token(_ id: Int32) -> String? { bytes(of: id).map { String(decoding: $0, as: UTF8.self) } }

    /// The id of a token; `nil` if it is not in the vocabulary.
    public func id(of token: String) -> Int32? { token.isEmpty ? emptyID : table.id(of: Array(token.utf8)) }

    /// The bytes of a token; `nil` if the id has none.
    func bytes(of id: Int32) -> UnsafeBufferPointer<UInt8>? {
        let bytes = table.token(id)
        return bytes.isEmpty && id != emptyID ? nil : bytes
    }
}
