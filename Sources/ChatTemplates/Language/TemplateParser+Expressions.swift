extension TemplateParser {
    /// Reads an expression, or several separated by commas, which are a tuple.
    mutating func parseTuple(
        withConditional: Bool = true, inParentheses: Bool = false
    ) throws -> Expression {
        let line = line
        var items: [Expression] = [], isTuple = false
        while !isTupleEnd {
            items.append(try withConditional ? parseExpression() : parseOr())
            guard take(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple, let item = items.first { return item }
        if !isTuple, !inParentheses { throw unexpected("an expression") }
        return try Expression(.tuple(items), line: line)
    }

    /// Whether nothing but a comma can have been the last of a tuple.
    var isTupleEnd: Bool { [.outputEnd, .statementEnd, .symbol(")")].contains(current.kind) }

    mutating func parseExpression() throws -> Expression { try nested { try $0.parseConditional() } }

    private mutating func parseConditional() throws -> Expression {
        let line = line
        var value = try parseOr()
        while take(word: "if") {
            let condition = try parseOr()
            let otherwise = take(word: "else") ? try nested { try $0.parseConditional() } : nil
            value = try Expression(.conditional(condition: condition, then: value, else: otherwise), line: line)
        }
        return value
    }

    // MARK: Operators

    mutating func parseOr() throws -> Expression {
        let line = line
        var left = try parseAnd()
        while take(word: "or") { left = try Expression(.or(left, try parseAnd()), line: line) }
        return left
    }

    private mutating func parseAnd() throws -> Expression {
        let line = line
        var left = try parseNot()
        while take(word: "and") { left = try Expression(.and(left, try parseNot()), line: line) }
        return left
    }

    private mutating func parseNot() throws -> Expression {
        let line = line
        guard take(word: "not") else { return try parseComparison() }
        return try Expression(.not(try nested { try $0.parseNot() }), line: line)
    }

    private mutating func parseComparison() throws -> Expression {
        let line = line, first = try parseSum()
        var others: [(symbol: String, Expression)] = []
        while let symbol = takeComparison() { others.append((symbol, try parseSum())) }
        return others.isEmpty ? first : try Expression(.comparison(first, others), line: line)
    }

    private mutating func takeComparison() -> String? {
        if take(word: "in") { return "in" }
        if isWord("not"), next.kind == .name("in") {
            advance()
            advance()
            return "not in"
        }
        return takeSymbol(of: ["==", "!=", "<", "<=", ">", ">="])
    }

    private mutating func takeSymbol(of symbols: [String]) -> String? {
        guard case .symbol(let symbol) = current.kind, symbols.contains(symbol) else { return nil }
        advance()
        return symbol
    }

    private mutating func parseSum() throws -> Expression {
        let line = line
        var left = try parseConcatenation()
        while let symbol = takeSymbol(of: ["+", "-"]) {
            left = try Expression(.arithmetic(symbol, left, try parseConcatenation()), line: line)
        }
        return left
    }

    private mutating func parseConcatenation() throws -> Expression {
        let line = line
        var parts = [try parseProduct()]
        while take(symbol: "~") { parts.append(try parseProduct()) }
        return parts.count == 1 ? parts[0] : try Expression(.concatenation(parts), line: line)
    }

    private mutating func parseProduct() throws -> Expression {
        let line = line
        var left = try parsePower()
        while let symbol = takeSymbol(of: ["*", "/", "//", "%"]) {
            left = try Expression(.arithmetic(symbol, left, try parsePower()), line: line)
        }
        return left
    }

    private mutating func parsePower() throws -> Expression {
        let line = line
        var left = try parseSigned()
        while take(symbol: "**") { left = try Expression(.arithmetic("**", left, try parseSigned()), line: line) }
        return left
    }

    /// A sign binds closer than a filter, and looser than a member.
    private mutating func parseSigned(withFilters: Bool = true) throws -> Expression {
        let line = line
        var value: Expression
        if let symbol = takeSymbol(of: ["+", "-"]) {
            let operand = try nested { try $0.parseSigned(withFilters: false) }
            value = try Expression(symbol == "-" ? .negative(operand) : .positive(operand), line: line)
        } else {
            value = try parsePrimary()
        }
        value = try parseMembers(of: value)
        return withFilters ? try parseFiltersAndTests(of: value) : value
    }

    // MARK: Primaries

    private mutating func parsePrimary() throws -> Expression {
        let token = current, line = line
        switch token.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return try Expression(.literal(.bool(true)), line: line)
            case "false", "False": return try Expression(.literal(.bool(false)), line: line)
            case "none", "None": return try Expression(.literal(.none), line: line)
            default: return try Expression(.name(name), line: line)
            }
        case .text:
            var scalars: [Unicode.Scalar] = []
            while case .text(let text) = current.kind {
                scalars += text.scalars
                advance()
            }
            return try Expression(.literal(.text(Text(scalars))), line: line)
        case .integer(let value):
            advance()
            return try Expression(.literal(.int(value)), line: line)
        case .float(let value):
            advance()
            return try Expression(.literal(.float(value)), line: line)
        case .symbol("("):
            return try nested { parser in
                parser.advance()
                let value = try parser.parseTuple(inParentheses: true)
                try parser.expect(symbol: ")")
                return value
            }
        case .symbol("["):
            return try Expression(.list(try parseItems(end: "]") { try $0.parseExpression() }), line: line)
        case .symbol("{"):
            let members = try parseItems(end: "}") { parser in
                let key = try parser.parseExpression()
                try parser.expect(symbol: ":")
                return (key, try parser.parseExpression())
            }
            return try Expression(.mapping(members.map { (key: $0.0, value: $0.1) }), line: line)
        default: throw unexpected("an expression")
        }
    }

    /// Reads elements between two brackets. They are separated by commas, and a comma after the last one is allowed.
    private mutating func parseItems<Item>(
        end: String, _ parse: (inout TemplateParser) throws -> Item
    ) throws -> [Item] {
        advance()
        var items: [Item] = []
        while !isSymbol(end) {
            if !items.isEmpty {
                try expect(symbol: ",")
                if isSymbol(end) { break }
            }
            items.append(try parse(&self))
        }
        try expect(symbol: end)
        return items
    }

    // MARK: Members, calls, filters and tests

    private mutating func parseMembers(of base: Expression) throws -> Expression {
        var value = base
        while true {
            let line = line
            switch current.kind {
            case .symbol("."):
                advance()
                switch current.kind {
                case .name(let name): value = try Expression(.attribute(value, name), line: line)
                case .integer(let index):
                    value = try Expression(.item(value, try Expression(.literal(.int(index)), line: line)), line: line)
                default: throw unexpected("a name or a number")
                }
                advance()
            case .symbol("["): value = try parseItem(of: value)
            case .symbol("("): value = try Expression(.call(value, try parseArguments()), line: line)
            default: return value
            }
        }
    }

    private mutating func parseItem(of base: Expression) throws -> Expression {
        let line = line
        advance()
        var indices: [Expression] = [], isTuple = false
        while !isSymbol("]") {
            if isSymbol(":") { return try parseSlice(of: base, from: nil, isAlone: indices.isEmpty) }
            let index = try parseExpression()
            if isSymbol(":") { return try parseSlice(of: base, from: index, isAlone: indices.isEmpty) }
            indices.append(index)
            guard take(symbol: ",") else { break }
            isTuple = true
        }
        try expect(symbol: "]")
        if indices.count == 1 { return try Expression(.item(base, indices[0]), line: line) }
        guard isTuple || indices.isEmpty else { throw unexpected("]") }
        return try Expression(.item(base, try Expression(.tuple(indices), line: line)), line: line)
    }

    private mutating func parseSlice(of base: Expression, from start: Expression?, isAlone: Bool) throws -> Expression {
        let line = line
        try expect(symbol: ":")
        func isBoundary(_ parser: TemplateParser) -> Bool {
            parser.isSymbol("]") || parser.isSymbol(":") || parser.isSymbol(",")
        }
        let stop = isBoundary(self) ? nil : try parseExpression()
        let step = take(symbol: ":") && !isBoundary(self) ? try parseExpression() : nil
        guard isAlone, !isSymbol(",") else { throw failure("slices with commas are not supported") }
        try expect(symbol: "]")
        return try Expression(.slice(base, from: start, to: stop, by: step), line: line)
    }

    private mutating func parseArguments() throws -> CallArguments {
        var arguments = CallArguments()
        let line = line
        _ = try parseItems(end: ")") { parser in
            if case .name(let name) = parser.current.kind, parser.next.kind == .symbol("=") {
                parser.advance()
                parser.advance()
                guard arguments.dictionary == nil, !arguments.named.contains(where: { $0.name == name }) else {
                    throw parser.failure("the argument '\(name)' is in the wrong place, or there twice")
                }
                arguments.named.append((name, try parser.parseExpression()))
            } else if parser.take(symbol: "**") {
                guard arguments.dictionary == nil else {
                    throw parser.failure("there are two ** arguments", line: line)
                }
                arguments.dictionary = try parser.parseExpression()
            } else {
                let isList = parser.take(symbol: "*")
                guard arguments.list == nil, arguments.dictionary == nil, isList || arguments.named.isEmpty else {
                    throw parser.failure("an argument without a name follows one with a name", line: line)
                }
                let value = try parser.parseExpression()
                if isList { arguments.list = value } else { arguments.positional.append(value) }
            }
        }
        return arguments
    }

    private mutating func parseFiltersAndTests(of base: Expression) throws -> Expression {
        var value = base
        while true {
            let line = line
            if isSymbol("|") {
                value = try parseFilters(of: value) ?? value
            } else if take(word: "is") {
                value = try parseTest(of: value, line: line)
            } else if isSymbol("(") {
                value = try Expression(.call(value, try parseArguments()), line: line)
            } else {
                return value
            }
        }
    }

    /// Reads any number of filters, each after its `|`.
    mutating func parseFilters(of base: Expression?) throws -> Expression? {
        var value = base
        while take(symbol: "|") { value = try parseFilter(of: value) }
        return value
    }

    /// Reads the name and the arguments of a filter.
    mutating func parseFilter(of base: Expression?) throws -> Expression {
        let line = line
        var name = try expectName()
        while take(symbol: ".") { name += "." + (try expectName()) }
        let arguments = isSymbol("(") ? try parseArguments() : CallArguments()
        return try Expression(.filter(base, name, arguments), line: line)
    }

    private mutating func parseTest(of value: Expression, line: Int) throws -> Expression {
        let isNegated = take(word: "not")
        var name = try expectName()
        while take(symbol: ".") { name += "." + (try expectName()) }
        var arguments = CallArguments()
        switch current.kind {
        case .symbol("("): arguments = try parseArguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw failure("tests cannot be chained with 'is'")
        case .name, .text, .integer, .float, .symbol("["), .symbol("{"):
            arguments.positional = [try nested { try $0.parseMembers(of: try $0.parsePrimary()) }]
        default: break
        }
        let test = try Expression(.test(value, name, arguments), line: line)
        return isNegated ? try Expression(.not(test), line: line) : test
    }
}
