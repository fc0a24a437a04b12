/// A unit of a template: text between tags, the beginning or end of a tag, or what is within one.
struct Token {
    enum Kind: Equatable {
        case data(Text)
        case statementStart
        case statementEnd
        case outputStart
        case outputEnd
        case name(String)
        case text(Text)
        case integer(Int)
        case float(Double)
        case symbol(String)
        case end
    }

    let kind: Kind
    let line: Int

    /// The token for an error message.
    var shown: String {
        switch kind {
        case .data: "text"
        case .statementStart: "{%"
        case .statementEnd: "%}"
        case .outputStart: "{{"
        case .outputEnd: "}}"
        case .name(let name): name
        case .text: "a string"
        case .integer(let value): String(value)
        case .float(let value): String(value)
        case .symbol(let symbol): symbol
        case .end: "the end of the template"
        }
    }
}
