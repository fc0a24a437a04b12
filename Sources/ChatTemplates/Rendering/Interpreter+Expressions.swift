extension Interpreter {
    /// The value of an expression. A filter without an expression is applied to `filtered`.
    func evaluate(_ expression: Expression, in scope: Scope, filtering filtered: Value? = nil) throws -> Value {
        try nested(expression.line) {
            switch expression.kind {
            case .literal(let literal): literal.value
            case .name(let name): scope.value(name) ?? .undefined("'\(name)' is undefined")
            case .list(let items): .list(try budget.elements(try evaluate(items, in: scope)))
            case .tuple(let items): .tuple(try budget.elements(try evaluate(items, in: scope)))
            case .mapping(let members): try evaluateMapping(members, in: scope)
            case .attribute(let base, let name): try attribute(name, of: try evaluate(base, in: scope))
            case .item(let base, let index):
                try item(try evaluate(index, in: scope), of: try evaluate(base, in: scope))
            case .slice(let base, let start, let stop, let step):
                try slice(
                    try evaluate(base, in: scope), from: try start.map { try evaluate($0, in: scope) },
                    to: try stop.map { try evaluate($0, in: scope) }, by: try step.map { try evaluate($0, in: scope) })
            case .call: try evaluateCall(expression, in: scope, caller: nil)
            case .filter(let base, let name, let arguments):
                try apply(
                    filter: name,
                    to: try base.map { try evaluate($0, in: scope, filtering: filtered) } ?? filtered ?? .none,
                    try evaluate(arguments, in: scope))
            case .test(let base, let name, let arguments):
                .bool(try test(name, try evaluate(base, in: scope), try evaluate(arguments, in: scope)))
            default: try evaluateOperation(expression.kind, in: scope)
            }
        }
    }

    private func evaluateOperation(_ kind: Expression.Kind, in scope: Scope) throws -> Value {
        switch kind {
        case .not(let operand): return .bool(!(try evaluate(operand, in: scope).isTrue))
        case .negative(let operand): return try negated(try evaluate(operand, in: scope))
        case .positive(let operand): return try positive(try evaluate(operand, in: scope))
        case .arithmetic(let symbol, let left, let right):
            return try arithmetic(symbol, try evaluate(left, in: scope), try evaluate(right, in: scope))
        case .and(let left, let right):
            let value = try evaluate(left, in: scope)
            return value.isTrue ? try evaluate(right, in: scope) : value
        case .or(let left, let right):
            let value = try evaluate(left, in: scope)
            return value.isTrue ? value : try evaluate(right, in: scope)
        case .concatenation(let parts):
            var scalars: [Unicode.Scalar] = []
            for part in parts {
                let text = try string(try evaluate(part, in: scope))
                try budget.allocate(text.count)
                scalars += text.scalars
            }
            return .text(Text(scalars))
        case .comparison(let first, let others):
            var left = try evaluate(first, in: scope)
            for (symbol, expression) in others {
                let right = try evaluate(expression, in: scope)
                guard try compare(left, symbol, right) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition, in: scope).isTrue { return try evaluate(then, in: scope) }
            let missing = "the condition of the inline 'if' is false, and it has no 'else'"
            return try otherwise.map { try evaluate($0, in: scope) } ?? .undefined(missing)
        default: throw failure("unexpected expression")
        }
    }

    private func evaluate(_ expressions: [Expression], in scope: Scope) throws -> [Value] {
        try expressions.map { try evaluate($0, in: scope) }
    }

    private func evaluateMapping(_ members: [(key: Expression, value: Expression)], in scope: Scope) throws -> Value {
        var mapping = Mapping()
        for member in members {
            let key = try evaluate(member.key, in: scope)
            mapping.set(key, hashed: try mappingKey(key), to: try evaluate(member.value, in: scope))
        }
        return try checked(mapping)
    }

    /// A new dictionary as a value.
    func checked(_ mapping: Mapping) throws -> Value {
        try budget.allocate(32 * mapping.count + 8)
        try budget.check(mapping.depth)
        return .mapping(mapping)
    }

    /// The value of a call, with `caller` as one more argument if there is one.
    func evaluateCall(_ expression: Expression, in scope: Scope, caller: Value?) throws -> Value {
        guard case .call(let callee, let expressions) = expression.kind else { throw failure("unexpected expression") }
        let function = try evaluate(callee, in: scope)
        var arguments = try evaluate(expressions, in: scope)
        if let caller { arguments.named.append(("caller", caller)) }
        return try call(function, arguments)
    }

    private func evaluate(_ expressions: CallArguments, in scope: Scope) throws -> Arguments {
        var arguments = Arguments(positional: try evaluate(expressions.positional, in: scope))
        if let list = expressions.list { arguments.positional += try elements(of: try evaluate(list, in: scope)) }
        for (name, expression) in expressions.named {
            arguments.named.append((name, try evaluate(expression, in: scope)))
        }
        if let dictionary = expressions.dictionary {
            guard case .mapping(let mapping) = try evaluate(dictionary, in: scope) else {
                throw failure("the argument after ** is not a dictionary")
            }
            for (key, value) in zip(mapping.keys, mapping.values) {
                guard let name = key.text else { throw failure("a key of the dictionary after ** is not a string") }
                arguments.named.append((name.string, value))
            }
        }
        return arguments
    }
}

extension Expression.Literal {
    fileprivate var value: Value {
        switch self {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .float(let value): .float(value)
        case .text(let text): .text(text)
        }
    }
}
