import ChatTemplates
import Files
import StrictJSON

/// Files of documents or conversations in JSON Lines. Each line is an object whose member `text` is a document, or whose member
/// `messages` is a conversation: a list of objects with `role` and `content`, as OpenAI's and Hugging Face's tools write them.
enum DocumentFile {
    /// Whether a file contains documents or conversations, by its name.
    static func isOne(_ path: String) -> Bool { path.hasSuffix(".jsonl") }

    /// Reads a file, in which all lines are of the same kind.
    /// - Parameters:
    ///   - path: the file.
    ///   - name: its name in messages.
    ///   - notice: called as in `TextSource.read`.
    /// - Throws: one line that names the file, the line and what is wrong with it.
    static func read(_ path: String, name: String, notice: (String) -> Void) throws -> NamedText {
        let text = try TextFile.readText(path, for: .encoding, notice: notice)
        var documents: [Substring] = [], conversations: [[ChatMessage]] = []
        try JSONLines.read(text, name: name) { line, json in
            func failure(_ reason: String) -> CorpusError { CorpusError("\(name), line \(line): \(reason)") }
            if let messages = json["messages"]?.arrayValue, documents.isEmpty {
                do { conversations.append(try messages.map(message)) } catch { throw failure("\(error)") }
            } else if let document = json["text"]?.stringValue, conversations.isEmpty {
                if !document.isEmpty { documents.append(document[...]) }
            } else {
                throw unreadable(
                    name, line, expecting: conversations.isEmpty ? documents.isEmpty ? nil : "text" : "messages")
            }
        }
        let digest = SHA256.hexDigest(of: text.utf8)
        if !conversations.isEmpty { return NamedText(name: name, conversations: conversations, sha256: digest) }
        guard !documents.isEmpty else { throw CorpusError("\(name): it has no documents") }
        return NamedText(name: name, documents: documents, sha256: digest)
    }

    private static func message(_ json: JSON) throws(ChatTemplateError) -> ChatMessage {
        try ChatMessage(json.objectValue ?? JSONObject())
    }

    /// The error for a line that is neither a document nor a conversation, or not of the kind of the lines before.
    private static func unreadable(_ path: String, _ line: Int, expecting kind: String?) -> CorpusError {
        CorpusError(
            "\(path), line \(line): "
                + (kind.map { "it has no member \"\($0)\" as the lines before; give lines of one kind" }
                    ?? "it has no member \"text\" that is a string and no list \"messages\"; give a document, "
                    + "{\"text\": \"...\"}, or a conversation on each line"))
    }

    /// Thrown by `LineReader` if the first line is a conversation.
    struct Conversations: Error {}

    /// Reads the documents of a file that is given in blocks of whole lines.
    struct LineReader {
        private let path: String
        private var lines = 0
        private var hasDocuments = false

        init(_ path: String) { self.path = path }

        /// Calls `body` with the documents of the next lines, except empty ones.
        /// - Throws: `Conversations`; one line that names the file, the line and what is wrong with it; what `body` throws.
        mutating func read(_ block: String, body: (String) throws -> Void) throws {
            try JSONLines.read(block, name: path, from: lines + 1) { line, json in
                guard let document = json["text"]?.stringValue else {
                    if !hasDocuments, json["messages"]?.arrayValue != nil { throw Conversations() }
                    throw unreadable(path, line, expecting: hasDocuments ? "text" : nil)
                }
                guard !document.isEmpty else { return }
                hasDocuments = true
                try body(document)
            }
            lines += block.utf8.count { $0 == 0x0A }
        }
    }
}
