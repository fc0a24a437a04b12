extension Interpreter {
    /// Whether the statements of a loop's body go on after one of them.
    enum Flow {
        case next
        case breakLoop
        case continueLoop
    }

    func execute(_ statements: [Statement], in scope: Scope) throws -> Flow {
        for statement in statements {
            let flow = try nested(statement.line) { try execute(statement, in: scope) }
            if flow != .next { return flow }
        }
        return .next
    }

    private func execute(_ statement: Statement, in scope: Scope) throws -> Flow {
        switch statement.kind {
        case .data(let text): try write(text)
        case .output(let expression): try write(try string(try evaluate(expression, in: scope)))
        case .set(let target, let expression):
            try checkNamespaces(of: target, in: scope)
            try assign(try evaluate(expression, in: scope), to: target, in: scope)
        case .setBlock(let target, let filter, let body, let number):
            return try setBlock(target, filter, body, self.scope(number, in: scope), in: scope)
        case .conditional(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition, in: scope).isTrue {
                return try execute(branch.body, in: scope)
            }
            return try execute(otherwise, in: scope)
        case .loop(let loop): return try execute(loop, in: scope)
        case .macro(let definition):
            if let name = definition.name { scope.set(name, to: try makeMacro(definition, in: scope)) }
        case .call(let call, let caller):
            let value = try evaluateCall(call, in: scope, caller: try makeMacro(caller, in: scope))
            try write(try string(value))
        case .filter(let filter, let body, let number):
            let inner = self.scope(number, in: scope)
            let (text, flow) = try capture { try execute(body, in: inner) }
            guard flow == .next else { return flow }
            try write(try string(try evaluate(filter, in: inner, filtering: .text(text))))
        case .with(let variables, let body, let number):
            let inner = self.scope(number, in: scope)
            for variable in variables {
                try assign(try evaluate(variable.value, in: scope), to: variable.target, in: inner)
            }
            return try execute(body, in: inner)
        case .generation(let body, let number):
            let start = output.count
            _ = try execute(body, in: self.scope(number, in: scope))
            // Within a macro or a captured text there are no positions in the result.
            if !isCapturing { generations.append(start..<output.count) }
        case .stop(let isBreak): return isBreak ? .breakLoop : .continueLoop
        }
        return .next
    }

    private func setBlock(
        _ target: Target, _ filter: Expression?, _ body: [Statement], _ inner: Scope, in scope: Scope
    ) throws -> Flow {
        let (text, flow) = try capture { try execute(body, in: inner) }
        guard flow == .next else { return flow }
        let value = try filter.map { try evaluate($0, in: inner, filtering: .text(text)) } ?? .text(text)
        try checkNamespaces(of: target, in: scope)
        try assign(value, to: target, in: scope)
        return .next
    }

    // MARK: Loops

    private func execute(_ loop: Statement.Loop, in scope: Scope) throws -> Flow {
        var iterable = try evaluate(loop.iterable, in: scope)
        if let condition = loop.condition {
            iterable = .iterator(try select(from: iterable, loop, where: condition, in: scope))
        }
        let state = LoopState(iterable, try iterator(over: iterable))
        // As in Jinja, a body that `break` or `continue` leaves does not count for `else`.
        var isUsed = false
        iteration: while let item = try state.advance() {
            try budget.spend(3)
            let inner = self.scope(loop.scope, in: scope)
            inner.set("loop", to: .loop(state))
            try assign(item, to: loop.target, in: inner)
            switch try execute(loop.body, in: inner) {
            case .next: isUsed = true
            case .breakLoop: break iteration
            case .continueLoop: continue
            }
        }
        return isUsed ? .next : try execute(loop.otherwise, in: self.scope(loop.otherwiseScope, in: scope))
    }

    /// The elements that fulfil the condition of a loop, each found when the loop comes to it.
    private func select(
        from iterable: Value, _ loop: Statement.Loop, where condition: Expression, in scope: Scope
    ) throws -> ValueIterator {
        let source = try iterator(over: iterable), inner = self.scope(loop.conditionScope, in: scope)
        try budget.check(source.depth + 1)
        return ValueIterator(depth: source.depth + 1) { [unowned self] in
            while let item = try source.next() {
                try budget.spend()
                try assign(item, to: loop.target, in: inner)
                if try evaluate(condition, in: inner).isTrue { return item }
            }
            return nil
        }
    }

    // MARK: Assignments

    /// Only attributes of namespaces can be set, which is checked before the value is computed.
    private func checkNamespaces(of target: Target, in scope: Scope) throws {
        switch target {
        case .name: break
        case .attribute(let name, let attribute):
            guard case .namespace = scope.value(name) else {
                throw failure("cannot set '\(attribute)' of '\(name)', which is not a namespace")
            }
        case .tuple(let targets): for target in targets { try checkNamespaces(of: target, in: scope) }
        }
    }

    func assign(_ value: Value, to target: Target, in scope: Scope) throws {
        switch target {
        case .name(let name): scope.set(name, to: value)
        case .attribute(let name, let attribute):
            guard case .namespace(let namespace) = scope.value(name) else {
                throw failure("cannot set '\(attribute)' of '\(name)', which is not a namespace")
            }
            try budget.allocate(8)
            try checkAttribute(Text(attribute))
            namespace.attributes.set(Text(attribute), to: value)
        case .tuple(let targets):
            let source = try iterator(over: value)
            var items: [Value] = []
            while items.count <= targets.count, let item = try source.next() { items.append(item) }
            guard items.count == targets.count else {
                let count = items.count > targets.count ? "more" : "\(items.count)"
                throw failure("\(targets.count) values are expected for \(targets.count) names, and there are \(count)")
            }
            for (target, item) in zip(targets, items) { try assign(item, to: target, in: scope) }
        }
    }

    // MARK: Macros

    /// Calls a macro: arguments by position, then by name, then defaults, which may use the parameters before them.
    func call(_ macro: Macro, _ arguments: Arguments) throws -> Value {
        let definition = macro.definition, scope = self.scope(definition.scope, in: macro.scope)
        var named = arguments.named
        for (position, parameter) in definition.parameters.enumerated() {
            if position < arguments.positional.count {
                scope.set(parameter, to: arguments.positional[position])
            } else if let index = named.firstIndex(where: { $0.name == parameter }) {
                scope.set(parameter, to: named.remove(at: index).value)
            }
        }
        if definition.implicitParameters.contains("caller") {
            let index = named.firstIndex { $0.name == "caller" }
            scope.set("caller", to: index.map { named.remove(at: $0).value } ?? .undefined("no caller defined"))
        }
        if definition.implicitParameters.contains("kwargs") {
            var mapping = Mapping()
            for (name, value) in named { mapping.set(Text(name), to: value) }
            try budget.check(mapping.depth)
            scope.set("kwargs", to: .mapping(mapping))
        } else if let first = named.first {
            throw failure("\(definition.shown) has no parameter '\(first.name)'")
        }
        let others = arguments.positional.dropFirst(definition.parameters.count)
        if definition.implicitParameters.contains("varargs") {
            scope.set("varargs", to: .tuple(try budget.elements(Array(others))))
        } else if !others.isEmpty {
            throw failure("\(definition.shown) has only \(definition.parameters.count) parameters")
        }
        try setDefaults(of: definition, in: scope)
        // One more level, because a call needs more of the stack than others.
        return try nested(nil) { .text(try capture { try execute(definition.body, in: scope) }.text) }
    }

    private func setDefaults(of definition: MacroDefinition, in scope: Scope) throws {
        let required = definition.parameters.count - definition.defaults.count
        for (position, parameter) in definition.parameters.enumerated() where scope.isUnset(parameter) {
            let value =
                position < required
                ? Value.undefined("the parameter '\(parameter)' was not provided")
                : try evaluate(definition.defaults[position - required], in: scope)
            scope.set(parameter, to: value)
        }
    }
}

extension MacroDefinition {
    /// The macro for an error message.
    fileprivate var shown: String { name.map { "the macro '\($0)'" } ?? "the body of {% call %}" }
}
