import ChatTemplates
import Files

/// A text, or the token ids of one, with its name.
public struct NamedText: Sendable {
    public let name: String
    /// Empty if only the tokens are known, or if the text is not in memory.
    public let text: String
    /// A long text, which takes the place of `text`; nil for one in memory.
    package let long: LongText?
    /// The token ids of a text that another program encoded.
    package let tokenIDs: StoredTokens?
    /// Texts that were encoded ahead of time, with their tokenizer.
    package let prepared: TokenDirectory?
    /// If the text consists of documents, one after another: the length of each in Unicode scalars. The end of each is marked
    /// with the end-of-text token when it is encoded.
    public let documentLengths: [Int]?
    /// The names of the documents, if each was a text of its own.
    package let documentNames: [String]?
    /// The conversations that take the place of the text; nil if it has none. A chat template makes texts of them.
    package let conversations: [[ChatMessage]]?
    /// The SHA-256 of the file that the text or the tokens were read from, if that is not the text itself.
    private let digest: String?

    public init(name: String, text: String) {
        self.init(name: name, text: text, digest: nil)
    }

    /// Conversations.
    /// - Parameters:
    ///   - name: the name in messages.
    ///   - conversations: the messages of each.
    ///   - sha256: the SHA-256 of the file that they were read from.
    package init(name: String, conversations: [[ChatMessage]], sha256: String) {
        self.init(name: name, text: "", conversations: conversations, digest: sha256)
    }

    /// A text of documents.
    /// - Parameters:
    ///   - name: the name in messages.
    ///   - documents: the documents.
    ///   - sha256: the SHA-256 of the file that they were read from.
    package init(name: String, documents: some Sequence<Substring>, sha256: String) {
        var text = "", lengths: [Int] = []
        for document in documents {
            text += document
            lengths.append(document.unicodeScalars.count)
        }
        self.init(name: name, text: text, documentLengths: lengths, digest: sha256)
    }

    /// The token ids of a text that another program encoded.
    /// - Parameters:
    ///   - name: the name in messages.
    ///   - tokens: the ids. They are not checked against a vocabulary.
    ///   - sha256: the SHA-256 of the file that they are in.
    package init(name: String, tokens: StoredTokens, sha256: String) {
        self.init(name: name, text: "", tokens: tokens, digest: sha256)
    }

    /// Texts that were encoded ahead of time.
    package init(name: String, prepared: TokenDirectory) {
        self.init(name: name, text: "", prepared: prepared, digest: prepared.sha256)
    }

    /// A text that is not in memory.
    package init(name: String, long: LongText, sha256: String) {
        self.init(
            name: name, text: "", long: long, documentLengths: long.documentLengths, digest: sha256)
    }

    /// A copy of the token ids of a text that another program encoded; nil if it is a text.
    public var tokens: [Int32]? { tokenIDs?.array }

    private init(
        name: String, text: String, long: LongText? = nil, tokens: StoredTokens? = nil, prepared: TokenDirectory? = nil,
        documentLengths: [Int]? = nil, documentNames: [String]? = nil, conversations: [[ChatMessage]]? = nil,
        digest: String?
    ) {
        self.name = name
        self.text = text
        self.long = long
        tokenIDs = tokens
        self.prepared = prepared
        self.documentLengths = documentLengths
        self.documentNames = documentNames
        self.conversations = conversations
        self.digest = digest
    }

    /// The SHA-256 of the text in UTF-8, or of the file that it was read from.
    package var sha256: String { digest ?? SHA256.hexDigest(of: text.utf8) }

    /// Texts as the documents of one text, in the place of the first. Token ids, conversations and texts that consist of documents
    /// stay as they are, and so does a single text.
    package static func joined(_ texts: [NamedText]) -> [NamedText] {
        let plain = texts.filter(\.isPlain)
        guard plain.count > 1, let first = texts.firstIndex(where: \.isPlain) else { return texts }
        let name = plain.map(\.name).joined(separator: ", "), names = plain.map(\.name)
        let whole: NamedText
        if plain.contains(where: { $0.long != nil }) {
            let long = LongText.joined(plain)
            whole = NamedText(
                name: name, text: "", long: long, documentLengths: long.documentLengths, documentNames: names,
                // Only of what the whole is made of: nobody has its text.
                digest: SHA256.hexDigest(of: plain.map(\.sha256).joined(separator: "\n").utf8))
        } else {
            whole = NamedText(
                name: name, text: plain.map(\.text).joined(),
                documentLengths: plain.map { $0.text.unicodeScalars.count }, documentNames: names, digest: nil)
        }
        return texts[..<first] + [whole] + texts[first...].filter { !$0.isPlain }
    }

    /// Whether it is text alone.
    private var isPlain: Bool { tokenIDs == nil && prepared == nil && documentLengths == nil && conversations == nil }

    /// The documents that a separator divides the text into. The separator is part of none, empty documents are left out, and
    /// the hash stays that of the whole.
    /// - Throws: if the text has token ids or documents already, or does not contain the separator.
    package func separated(by separator: String) throws -> NamedText {
        if !isPlain {
            throw CorpusError("\(name): a document separator applies to text files only")
        }
        if let long { return NamedText(name: name, long: try long.separated(by: separator), sha256: sha256) }
        let documents = text.pieces(between: separator)
        guard documents.count > 1 else { throw CorpusError.withoutSeparator(name) }
        return NamedText(name: name, documents: documents.filter { !$0.isEmpty }, sha256: sha256)
    }
}

extension String {
    /// The parts before, between and after the occurrences of a separator, which are found by their bytes.
    package func pieces(between separator: String) -> [Substring] {
        let wanted = Array(separator.utf8)
        guard let first = wanted.first else { return [self[...]] }
        var pieces: [Substring] = [], start = utf8.startIndex, position = start
        while let candidate = utf8[position...].firstIndex(of: first) {
            guard utf8[candidate...].starts(with: wanted) else {
                position = utf8.index(after: candidate)
                continue
            }
            pieces.append(self[start..<candidate])
            start = utf8.index(candidate, offsetBy: wanted.count)
            position = start
        }
        return pieces + [self[start...]]
    }
}
