import StrictJSON

/// A message of a conversation: who says something, and what.
public struct ChatMessage: Sendable, Equatable {
    /// All members, as a template sees them: `role` and `content`, and others such as `tool_calls`.
    package var members: JSONObject

    /// - Parameters:
    ///   - role: who says it; most templates know "system", "user" and "assistant".
    ///   - content: the text.
    public init(role: String, content: String) {
        members = JSONObject([("role", .string(role)), ("content", .string(content))])
    }

    /// A message with any members, as in files of conversations.
    /// - Throws: if it has no `role`, or if `content` is something else than a text, a list or null.
    package init(_ members: JSONObject) throws(ChatTemplateError) {
        guard members["role"]?.stringValue != nil else {
            throw ChatTemplateError("a message has no role: it needs a member \"role\" that is a string")
        }
        switch members["content"] {
        case nil, .null, .string, .array: break
        default: throw ChatTemplateError("the content of a message is neither a string nor a list")
        }
        self.members = members
    }

    /// Who says it.
    public var role: String {
        get { members["role"]?.stringValue ?? "" }
        set { members["role"] = .string(newValue) }
    }

    /// The text; empty if the content is not a text.
    public var content: String {
        get { members["content"]?.stringValue ?? "" }
        set { members["content"] = .string(newValue) }
    }

    /// The members as transformers shows them to a template: without those that are null, and with the text of reasoning under
    /// both names that templates use.
    package var shown: JSONObject {
        var shown = JSONObject(members.filter { !$0.value.isNull }.map { ($0.key, $0.value) })
        let reasoning = ["reasoning_content", "thinking", "reasoning"].lazy.compactMap { shown[$0] }.first
        guard let reasoning else { return shown }
        if shown["thinking"] == nil {
            shown = JSONObject([("thinking", reasoning)] + shown.map { ($0.key, $0.value) })
        }
        shown["reasoning_content"] = reasoning
        return shown
    }
}
