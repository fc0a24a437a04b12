import ChatTemplates
import Files
import StrictJSON

/// Files of documents or conversations in JSON Lines. Each line is an object whose member `text` is a document, or whose member
/// `messages` is a conversation: a list of objects with `role` and `content`, as OpenAI's and Hugging Face's tools write them.
enum DocumentFile {
    /// Whether a file contains documents or conversations, by its name.
    static func isOne(_ path: String) -> Bool { path.hasSuffix(".jsonl") }

    /// Reads a file, in which all lines are of the same kind.
    /// - Throws: one line that names the file, the line and what is wrong with it.
    static func read(_ path: String, notice: (String) -> Void) throws -> NamedText {
        let text = try TextFile.readText(path, for: .encoding, notice: notice)
        var documents: [Substring] = [], conversations: [[ChatMessage]] = []
        try JSONLines.read(text, name: path) { line, json in
            func failure(_ reason: String) -> CorpusError { CorpusError("\(path), line \(line): \(reason)") }
            if let messages = json["messages"]?.arrayValue, documents.isEmpty {
                do { conversations.append(try messages.map(message)) } catch { throw failure("\(error)") }
            } else if let document = json["text"]?.stringValue, conversations.isEmpty {
                if !document.isEmpty { documents.append(document[...]) }
            } else {
                let kind = conversations.isEmpty ? documents.isEmpty ? nil : "text" : "messages"
                throw failure(
                    kind.map { "it has no member \"\($0)\" as the lines before; give lines of one kind" }
                        ?? "it has no member \"text\" that is a string and no list \"messages\"; give a document, "
                        + "{\"text\": \"...\"}, or a conversation on each line")
            }
        }
        let digest = SHA256.hexDigest(of: text.utf8)
        if !conversations.isEmpty { return NamedText(name: path, conversations: conversations, sha256: digest) }
        guard !documents.isEmpty else { throw CorpusError("\(path): it has no documents") }
        return NamedText(name: path, documents: documents, sha256: digest)
    }

    private static func message(_ json: JSON) throws(ChatTemplateError) -> ChatMessage {
        try ChatMessage(json.objectValue ?? JSONObject())
    }
}
