/// Reads the tokens of a template as statements and expressions.
///
/// Source: Jinja's documentation, Template Designer, and the grammar that its parser implements: `or` over `and` over `not` over
/// comparisons over `+` and `-` over `~` over `*`, `/`, `//` and `%` over `**` over signs over members, calls, filters and
/// tests. All operators associate to the left, `**` too.
struct TemplateParser {
    private let tokens: [Token]
    private var position = 0

    /// The nesting of statements, and of expressions.
    private var statementDepth = 0
    private var expressionDepth = 0

    /// The scopes counted so far, and the loops around the current statement that `break` can leave.
    private var scopes = 1
    private var loops = 0

    /// The loops around the current statement, in macros as well: none of them can assign to `loop`.
    private var enclosingLoops = 0

    init(_ tokens: [Token]) { self.tokens = tokens }

    /// Reads the whole template.
    static func statements(of source: String) throws -> [Statement] {
        var parser = TemplateParser(try TemplateLexer.tokens(of: source))
        let statements = try parser.parseStatements(until: [])
        guard parser.current.kind == .end else { throw parser.unexpected("a statement") }
        return statements
    }

    // MARK: Tokens

    var current: Token { tokens[position] }
    var next: Token { tokens[min(position + 1, tokens.count - 1)] }
    var line: Int { current.line }

    mutating func advance() { position = min(position + 1, tokens.count - 1) }

    func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
    func isWord(_ word: String) -> Bool { current.kind == .name(word) }

    mutating func take(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func take(word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func expect(symbol: String) throws { if !take(symbol: symbol) { throw unexpected(symbol) } }
    mutating func expect(word: String) throws { if !take(word: word) { throw unexpected("'\(word)'") } }

    mutating func expectName() throws -> String {
        guard case .name(let name) = current.kind else { throw unexpected("a name") }
        advance()
        return name
    }

    func unexpected(_ expected: String) -> ChatTemplateError {
        failure("\(expected) is expected, not \(current.shown)")
    }

    func failure(_ problem: String, line: Int? = nil) -> ChatTemplateError {
        ChatTemplateError(problem, line: line ?? self.line)
    }

    /// Calls `parse` one level deeper, unless that is too deep.
    mutating func nested<Result>(_ parse: (inout TemplateParser) throws -> Result) throws -> Result {
        guard expressionDepth < Expression.greatestHeight else {
            throw failure("an expression is nested more than \(Expression.greatestHeight) deep")
        }
        expressionDepth += 1
        defer { expressionDepth -= 1 }
        return try parse(&self)
    }

    // MARK: Statements

    private mutating func newScope() -> Int {
        defer { scopes += 1 }
        return scopes
    }

    /// Reads statements up to a tag that begins with one of `ends`, whose name is then the current token, or to the end of the
    /// template if there are no such names.
    private mutating func parseStatements(until ends: Set<String>) throws -> [Statement] {
        var statements: [Statement] = []
        while true {
            let line = line
            switch current.kind {
            case .data(let text):
                statements.append(Statement(kind: .data(text), line: line))
                advance()
            case .outputStart:
                advance()
                let value = try parseTuple()
                statements.append(Statement(kind: .output(value), line: line))
                guard current.kind == .outputEnd else { throw unexpected("}}") }
                advance()
            case .statementStart:
                advance()
                if case .name(let name) = current.kind, ends.contains(name) { return statements }
                statements += try parseStatement().map { Statement(kind: $0, line: line) }
                guard current.kind == .statementEnd else { throw unexpected("%}") }
                advance()
            default:
                if let end = ends.max() { throw failure("{% \(end) %} is missing at the end of the template") }
                return statements
            }
        }
    }

    /// Reads the rest of a tag, the statements up to one of `ends`, and that name.
    private mutating func parseBody(until ends: Set<String>) throws -> (statements: [Statement], end: String) {
        guard statementDepth < Statement.greatestDepth else {
            throw failure("statements are nested more than \(Statement.greatestDepth) deep")
        }
        statementDepth += 1
        defer { statementDepth -= 1 }
        _ = take(symbol: ":")
        guard current.kind == .statementEnd else { throw unexpected("%}") }
        advance()
        let statements = try parseStatements(until: ends)
        return (statements, try expectName())
    }

    /// The body of a macro or of something that Jinja compiles as one: loops around it cannot be left from within.
    private mutating func parseFunctionBody(until end: String) throws -> [Statement] {
        let outer = loops
        loops = 0
        defer { loops = outer }
        return try parseBody(until: [end]).statements
    }

    private mutating func parseStatement() throws -> [Statement.Kind] {
        let line = line, name = try expectName()
        switch name {
        case "if": return [try parseConditional()]
        case "for": return [try parseLoop()]
        case "set": return [try parseSet()]
        case "macro": return [.macro(try parseMacro(name: try expectName()))]
        case "call": return [try parseCall()]
        case "print":
            var values: [Statement.Kind] = []
            while current.kind != .statementEnd {
                if !values.isEmpty { try expect(symbol: ",") }
                values.append(.output(try parseExpression()))
            }
            return values
        case "filter":
            let scope = newScope(), first = try parseFilter(of: nil), filter = try parseFilters(of: first) ?? first
            return [.filter(filter, try parseBody(until: ["endfilter"]).statements, scope: scope)]
        case "with": return [try parseWith()]
        case "generation": return [.generation(try parseFunctionBody(until: "endgeneration"), scope: newScope())]
        case "break", "continue":
            guard loops > 0 else { throw failure("{% \(name) %} is outside of a loop", line: line) }
            return [.stop(isBreak: name == "break")]
        case "autoescape", "block", "extends", "include", "import", "from", "do", "trans", "debug":
            throw failure("the statement {% \(name) %} is not supported", line: line)
        default: throw failure("{% \(name) %} is unknown, or does not belong here", line: line)
        }
    }

    private mutating func parseConditional() throws -> Statement.Kind {
        var branches: [(condition: Expression, body: [Statement])] = []
        while true {
            let condition = try parseTuple(withConditional: false)
            let (body, end) = try parseBody(until: ["elif", "else", "endif"])
            branches.append((condition, body))
            switch end {
            case "elif": continue
            case "else": return .conditional(branches, else: try parseBody(until: ["endif"]).statements)
            default: return .conditional(branches, else: [])
            }
        }
    }

    private mutating func parseLoop() throws -> Statement.Kind {
        let target = try parseTarget()
        try expect(word: "in")
        let iterable = try parseTuple(withConditional: false)
        let condition = take(word: "if") ? try parseExpression() : nil
        if isWord("recursive") { throw failure("recursive loops are not supported") }
        let scope = newScope(), conditionScope = newScope(), otherwiseScope = newScope()
        loops += 1
        enclosingLoops += 1
        try checkLoopVariable(target)
        let (body, end) = try parseBody(until: ["endfor", "else"])
        loops -= 1
        let otherwise = end == "else" ? try parseBody(until: ["endfor"]).statements : []
        enclosingLoops -= 1
        return .loop(
            .init(
                target: target, iterable: iterable, condition: condition, body: body, otherwise: otherwise,
                scope: scope,
                conditionScope: conditionScope, otherwiseScope: otherwiseScope))
    }

    private func checkLoopVariable(_ target: Target) throws {
        switch target {
        case .name("loop") where enclosingLoops > 0: throw failure("'loop' cannot be assigned to in a loop")
        case .tuple(let targets): for target in targets { try checkLoopVariable(target) }
        default: break
        }
    }

    private mutating func parseSet() throws -> Statement.Kind {
        let target = try parseTarget(withAttributes: true)
        try checkLoopVariable(target)
        if take(symbol: "=") { return .set(target, try parseTuple()) }
        let scope = newScope()
        let filter = isSymbol("|") ? try parseFilters(of: nil) : nil
        return .setBlock(target, filter: filter, try parseBody(until: ["endset"]).statements, scope: scope)
    }

    private mutating func parseWith() throws -> Statement.Kind {
        var variables: [(target: Target, value: Expression)] = []
        while current.kind != .statementEnd {
            if !variables.isEmpty { try expect(symbol: ",") }
            let target = try parseTarget()
            try expect(symbol: "=")
            variables.append((target, try parseExpression()))
        }
        let scope = newScope()
        return .with(variables, try parseBody(until: ["endwith"]).statements, scope: scope)
    }

    private mutating func parseCall() throws -> Statement.Kind {
        let line = line
        let (parameters, defaults) = isSymbol("(") ? try parseParameters() : ([], [])
        let call = try parseExpression()
        guard case .call = call.kind else { throw failure("{% call %} needs a call of a macro", line: line) }
        let scope = newScope(), body = try parseFunctionBody(until: "endcall")
        return .call(
            call,
            caller: MacroDefinition(name: nil, parameters: parameters, defaults: defaults, body: body, scope: scope))
    }

    private mutating func parseMacro(name: String) throws -> MacroDefinition {
        try checkLoopVariable(.name(name))
        let (parameters, defaults) = try parseParameters()
        let scope = newScope(), body = try parseFunctionBody(until: "endmacro")
        return MacroDefinition(name: name, parameters: parameters, defaults: defaults, body: body, scope: scope)
    }

    private mutating func parseParameters() throws -> (names: [String], defaults: [Expression]) {
        var names: [String] = [], defaults: [Expression] = []
        try expect(symbol: "(")
        while !isSymbol(")") {
            if !names.isEmpty { try expect(symbol: ",") }
            let name = try expectName()
            guard !names.contains(name) else { throw failure("the parameter '\(name)' is declared twice") }
            names.append(name)
            if take(symbol: "=") {
                defaults.append(try parseExpression())
            } else if !defaults.isEmpty {
                throw failure("the parameter '\(name)' without a default follows one with a default")
            }
        }
        try expect(symbol: ")")
        return (names, defaults)
    }

    // MARK: Targets

    /// Reads what is assigned to: a name, several of them separated by commas, or an attribute of a namespace.
    private mutating func parseTarget(withAttributes: Bool = false) throws -> Target {
        var targets: [Target] = [], isTuple = false
        while true {
            if isTupleEnd { break }
            targets.append(try parseSingleTarget(withAttributes: withAttributes))
            guard take(symbol: ",") else { break }
            isTuple = true
        }
        guard let first = targets.first else { throw unexpected("a name") }
        return isTuple ? .tuple(targets) : first
    }

    private mutating func parseSingleTarget(withAttributes: Bool) throws -> Target {
        if isSymbol("(") {
            return try nested { parser in
                parser.advance()
                let target = try parser.parseTarget(withAttributes: withAttributes)
                try parser.expect(symbol: ")")
                return target
            }
        }
        let name = try expectName()
        guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
            throw failure("'\(name)' cannot be assigned to")
        }
        guard withAttributes, take(symbol: ".") else { return .name(name) }
        return .attribute(of: name, try expectName())
    }
}
