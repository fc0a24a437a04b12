/// Splits a template into tokens, with the control of white space that chat templates are written for: `trim_blocks` (a line
/// break after a statement or a comment is dropped), `lstrip_blocks` (so are blanks before one that begins its line), and
/// the signs - and + in tags.
///
/// Source: Jinja's documentation, Template Designer, White-space Control.
struct TemplateLexer {
    let source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [Token] = []

    /// Whether the last token ended a line, or there was none.
    private var isAtLineStart = true

    /// Line breaks of any system are read as line feeds, and one at the end of the template is dropped.
    init(_ text: String) {
        var source: [Unicode.Scalar] = []
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            if scalar != "\n" || !isAfterReturn { source.append(scalar == "\r" ? "\n" : scalar) }
            isAfterReturn = scalar == "\r"
        }
        if source.last == "\n" { source.removeLast() }
        self.source = source
    }

    static func tokens(of text: String) throws -> [Token] {
        var lexer = TemplateLexer(text)
        while lexer.position < lexer.source.count { try lexer.readTextAndTag() }
        lexer.append(.end)
        return lexer.tokens
    }

    private mutating func append(_ kind: Token.Kind) { tokens.append(Token(kind: kind, line: line)) }

    // MARK: Text between tags

    private mutating func readTextAndTag() throws {
        let start = position
        guard let tag = (start..<source.count).first(where: { isTagStart(at: $0) }) else {
            return appendData(source[start...], end: source.count)
        }
        if source[tag + 1] == "%", let (sign, end) = bareTag("raw", at: tag) {
            appendData(stripped(source[start..<tag], sign: sign), end: tag)
            advance(to: end)
            isAtLineStart = source[end - 1] == "\n"
            return try readRaw()
        }
        let sign = sign(at: tag + 2)
        appendData(stripped(source[start..<tag], sign: sign, isOutput: source[tag + 1] == "{"), end: tag)
        isAtLineStart = false
        position = tag + (sign == nil ? 2 : 3)
        switch source[tag + 1] {
        case "#": try skipComment()
        case "%": try readTag(.statementStart, end: .statementEnd)
        default: try readTag(.outputStart, end: .outputEnd)
        }
    }

    private func isTagStart(at position: Int) -> Bool {
        source[position] == "{" && position + 1 < source.count && ["{", "%", "#"].contains(source[position + 1])
    }

    /// Appends a text, after which reading goes on at `end`.
    private mutating func appendData(_ data: ArraySlice<Unicode.Scalar>, end: Int) {
        if !data.isEmpty { append(.data(Text(data))) }
        advance(to: end)
    }

    /// The text before a tag without the white space that the tag removes.
    private func stripped(
        _ text: ArraySlice<Unicode.Scalar>, sign: Unicode.Scalar?, isOutput: Bool = false
    ) -> ArraySlice<Unicode.Scalar> {
        if sign == "-" { return text.prefix(through: (text.lastIndex { !$0.isWhiteSpace } ?? text.startIndex - 1)) }
        guard sign == nil, !isOutput else { return text }
        let lineStart = text.lastIndex(of: "\n").map { $0 + 1 }
        guard let start = lineStart ?? (isAtLineStart ? text.startIndex : nil),
            text[start...].allSatisfy(\.isWhiteSpace)
        else { return text }
        return text[..<start]
    }

    private func sign(at position: Int) -> Unicode.Scalar? {
        guard position < source.count, source[position] == "-" || source[position] == "+" else { return nil }
        return source[position]
    }

    private mutating func advance(to end: Int) {
        line += source[position..<end].count { $0 == "\n" }
        position = end
    }

    func has(_ text: StaticString, at position: Int) -> Bool {
        text.withUTF8Buffer { bytes in
            position + bytes.count <= source.count
                && bytes.indices.allSatisfy { source[position + $0].value == bytes[$0] }
        }
    }

    func skippingWhiteSpace(from position: Int) -> Int {
        source[position...].firstIndex { !$0.isWhiteSpace } ?? source.count
    }

    // MARK: Comments and raw text

    /// The sign and the end of a tag that consists of a name alone, if there is one at `position`. Jinja drops no line
    /// break after `raw`.
    private func bareTag(_ name: StaticString, at position: Int) -> (sign: Unicode.Scalar?, end: Int)? {
        guard has("{%", at: position) else { return nil }
        let sign = sign(at: position + 2)
        let start = skippingWhiteSpace(from: position + (sign == nil ? 2 : 3))
        guard has(name, at: start) else { return nil }
        let end = skippingWhiteSpace(from: start + name.utf8CodeUnitCount)
        if has("-%}", at: end) { return (sign, skippingWhiteSpace(from: end + 3)) }
        return has("%}", at: end) ? (sign, end + 2) : nil
    }

    private mutating func readRaw() throws {
        let first = line
        for tag in position..<source.count where has("{%", at: tag) {
            let sign = sign(at: tag + 2)
            let start = skippingWhiteSpace(from: tag + (sign == nil ? 2 : 3))
            guard has("endraw", at: start),
                let end = tagEnd(at: skippingWhiteSpace(from: start + 6), "%", isTrimming: true)
            else { continue }
            appendData(stripped(source[position..<tag], sign: sign), end: tag)
            advance(to: end)
            isAtLineStart = source[end - 1] == "\n"
            return
        }
        // As in Jinja, nothing is missing where nothing follows.
        guard position < source.count else { return }
        throw ChatTemplateError("{% raw %} has no {% endraw %}", line: first)
    }

    private mutating func skipComment() throws {
        for start in position..<source.count {
            guard let end = tagEnd(at: start, "#", isTrimming: true) else { continue }
            advance(to: end)
            isAtLineStart = source[end - 1] == "\n"
            return
        }
        guard position < source.count else { return }
        throw ChatTemplateError("a comment does not end with #}", line: line)
    }

    /// The position after the end of a tag and the white space that it removes; nil if no tag ends at `start`.
    private func tagEnd(at start: Int, _ sign: Unicode.Scalar, isTrimming: Bool) -> Int? {
        func isEnd(at position: Int) -> Bool {
            position + 1 < source.count && source[position] == sign && source[position + 1] == "}"
        }
        guard start < source.count else { return nil }
        if source[start] == "-", isEnd(at: start + 1) { return skippingWhiteSpace(from: start + 3) }
        // An output ends with }}: nothing can be kept there that would be dropped otherwise.
        if sign != "}", source[start] == "+", isEnd(at: start + 1) { return start + 3 }
        guard isEnd(at: start) else { return nil }
        return isTrimming && start + 2 < source.count && source[start + 2] == "\n" ? start + 3 : start + 2
    }

    // MARK: Tags

    private mutating func readTag(_ startKind: Token.Kind, end endKind: Token.Kind) throws {
        append(startKind)
        let isOutput = startKind == .outputStart
        var brackets: [Unicode.Scalar] = []
        while true {
            if brackets.isEmpty, let end = tagEnd(at: position, isOutput ? "}" : "%", isTrimming: !isOutput) {
                append(endKind)
                advance(to: end)
                isAtLineStart = source[end - 1] == "\n"
                return
            }
            guard position < source.count else { throw ChatTemplateError("a tag does not end", line: line) }
            if source[position].isWhiteSpace {
                advance(to: skippingWhiteSpace(from: position))
                continue
            }
            let start = position
            let kind = try readToken()
            append(kind)
            if case .symbol(let symbol) = kind { try balance(symbol, &brackets) }
            advance(from: start, to: position)
        }
    }

    /// Counts the lines of a token that has been read, such as a string with line breaks.
    private mutating func advance(from start: Int, to end: Int) { line += source[start..<end].count { $0 == "\n" } }

    private func balance(_ symbol: String, _ brackets: inout [Unicode.Scalar]) throws {
        switch symbol {
        case "{": brackets.append("}")
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "}", ")", "]":
            let expected = brackets.popLast().map(String.init)
            if expected != symbol {
                let hint = expected.map { ", where \($0) is missing" } ?? ""
                throw ChatTemplateError("unexpected \(symbol)\(hint)", line: line)
            }
        default: break
        }
    }
}
