import StrictJSON

/// An error in a chat template, found while it is read or while it renders a conversation. It is one line: where, and what
/// is wrong.
public struct ChatTemplateError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, such as "'tools' is undefined".
    public let problem: String

    /// The line of the template, from 1; nil if the error belongs to no line.
    public internal(set) var line: Int?

    /// Whether the template itself refused the conversation, by calling `raise_exception`.
    public let isRaisedByTemplate: Bool

    init(_ problem: String, line: Int? = nil, isRaisedByTemplate: Bool = false) {
        self.problem = Self.inOneLine(problem)
        self.line = line
        self.isRaisedByTemplate = isRaisedByTemplate
    }

    public var description: String {
        let place = line.map { "chat template, line \($0)" } ?? "chat template"
        return isRaisedByTemplate ? "\(place): it refuses the conversation: \(problem)" : "\(place): \(problem)"
    }

    /// The text with control characters escaped, and cut after 300 scalars: parts of it may come from a template or a
    /// message.
    private static func inOneLine(_ text: String) -> String {
        var line = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == 300 { return line + "..." }
            let isControl = [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return line
    }
}
