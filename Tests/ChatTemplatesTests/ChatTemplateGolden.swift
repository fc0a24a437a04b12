import ChatTemplates
import StrictJSON
import TestSupport

/// What transformers and Jinja render, from the files that Tests/References/make_chat_templates.py writes:
///
/// - styles.json: templates in the styles of published families, each with `cases`; `conversations` by name; the `time` for
///   `strftime_now`; and `variables` of all cases.
/// - builtin.json: the same for the built-in templates, without the conversations, and their `sources`.
/// - language.json: small templates, those written by hand in `features` and generated ones in `random`, with their
///   `variables`.
///
/// A case has the `conversation`, whether there is a generation `prompt`, further `variables`, and the `text` with the ranges of
/// `generations` in bytes. The text is null where rendering fails.
struct ChatTemplateGolden {
    struct Case {
        let conversation: String
        let messages: [ChatMessage]
        let addsGenerationPrompt: Bool
        let variables: [String: JSON]
        let text: String?
        let generations: [Range<Int>]
    }

    let styles: JSON
    let builtIn: JSON
    let time: Int

    init() throws {
        styles = try JSON(parsing: Fixtures.bytes(Fixtures.chatTemplates + "/styles.json"))
        builtIn = try JSON(parsing: Fixtures.bytes(Fixtures.chatTemplates + "/builtin.json"))
        time = styles["time"]?.intValue ?? 0
    }

    static func language() throws -> JSON {
        try JSON(parsing: Fixtures.bytes(Fixtures.chatTemplates + "/language.json"))
    }

    /// The names of templates in a file.
    static func names(_ file: JSON) -> [String] { templates(file).compactMap { $0["name"]?.stringValue } }

    static func templates(_ file: JSON) -> [JSON] { file["templates"]?.arrayValue ?? [] }

    func template(_ name: String, in file: JSON) throws -> ChatTemplate {
        let template = Self.templates(file).first { $0["name"]?.stringValue == name }
        return try ChatTemplate(template?["source"]?.stringValue ?? "")
    }

    func conversation(_ name: String) throws -> [ChatMessage] {
        try (styles["conversations"]?[name]?.arrayValue ?? []).map { try ChatMessage($0.objectValue ?? JSONObject()) }
    }

    /// Special tokens, and what else `variables` has.
    func variables(_ other: JSON?) -> [String: JSON] {
        var variables: [String: JSON] = [:]
        for object in [styles["variables"], other] {
            for (name, value) in object?.objectValue ?? JSONObject() { variables[name] = value }
        }
        return variables
    }

    func cases(of name: String, in file: JSON) throws -> [Case] {
        let template = Self.templates(file).first { $0["name"]?.stringValue == name }
        return try (template?["cases"]?.arrayValue ?? []).map { record in
            let conversation = record["conversation"]?.stringValue ?? ""
            let ranges = (record["generations"]?.arrayValue ?? []).compactMap { range -> Range<Int>? in
                guard let bounds = range.arrayValue, let start = bounds[0].intValue, let end = bounds[1].intValue else {
                    return nil
                }
                return start..<end
            }
            return Case(
                conversation: conversation, messages: try self.conversation(conversation),
                addsGenerationPrompt: record["prompt"]?.boolValue ?? false, variables: variables(record["variables"]),
                text: record["text"]?.stringValue, generations: ranges)
        }
    }
}

/// Renders a template for no conversation.
func render(
    _ source: String, _ variables: [String: JSON] = [:], limits: RenderingLimits = RenderingLimits(), time: Int? = nil
) throws -> String {
    try ChatTemplate(source).rendering(
        of: [], addingGenerationPrompt: false, variables: variables, limits: limits, time: time
    ).text
}
