import StrictJSON

/// Runs a template for one conversation.
final class Interpreter {
    let program: Program
    let budget: Budget
    let limits: RenderingLimits

    /// The variables of the caller.
    let context: [String: Value]

    /// The time for `strftime_now`, in seconds since 1970; nil for now.
    let time: Int?

    /// What has been written so far: to the result, or to a text that is being captured (`capture`).
    var output: [Unicode.Scalar] = []

    /// Where the bodies of `generation` statements are in the result, in scalars.
    var generations: [Range<Int>] = []

    private var captures = 0
    private var depth = 0

    /// Objects that may refer to themselves through what they contain. They are emptied in the end, so that no memory is lost.
    private var namespaces: [Namespace] = []
    private var capturedScopes: [Scope] = []

    init(_ program: Program, context: [String: Value], limits: RenderingLimits, time: Int?) {
        self.program = program
        self.context = context
        self.limits = limits
        self.time = time
        budget = Budget(limits)
    }

    /// Runs the whole template.
    func run() throws {
        defer {
            for scope in capturedScopes { scope.values = [:] }
            for namespace in namespaces { namespace.attributes = Mapping() }
        }
        _ = try execute(program.statements, in: Scope(layout(0), in: nil, context: self))
    }

    // MARK: What the parts share

    func layout(_ number: Int) -> ScopeLayout { program.layouts[number] }

    /// A new scope within another.
    func scope(_ number: Int, in parent: Scope) -> Scope { Scope(layout(number), in: parent, context: self) }

    /// The value of a name that no scope of the template sets.
    func contextValue(_ name: String) -> Value? {
        context[name] ?? (Self.globals.contains(name) ? .function(.global(name)) : nil)
    }

    func makeNamespace(_ attributes: Mapping) throws -> Value {
        try budget.allocate(64)
        let namespace = Namespace(attributes)
        namespaces.append(namespace)
        return .namespace(namespace)
    }

    func makeMacro(_ definition: MacroDefinition, in scope: Scope) throws -> Value {
        try budget.allocate(64)
        capturedScopes.append(scope)
        return .function(.macro(Macro(definition: definition, scope: scope)))
    }

    func failure(_ problem: String) -> ChatTemplateError { ChatTemplateError(problem) }

    /// Calls `body` one level deeper, and adds the line to its errors.
    func nested<Result>(_ line: Int?, _ body: () throws -> Result) throws -> Result {
        depth += 1
        defer { depth -= 1 }
        do {
            try budget.spend()
            guard depth <= limits.depth else {
                throw failure("the template is nested too deep, or a macro calls itself")
            }
            return try body()
        } catch var error as ChatTemplateError {
            error.line = error.line ?? line
            throw error
        }
    }

    func write(_ text: Text) throws {
        try budget.allocate(text.count)
        output += text.scalars
    }

    /// What `body` writes, and its result.
    func capture<Result>(_ body: () throws -> Result) throws -> (text: Text, result: Result) {
        let outer = output
        output = []
        captures += 1
        defer {
            output = outer
            captures -= 1
        }
        let result = try body()
        return (Text(output), result)
    }

    var isCapturing: Bool { captures > 0 }
}

/// The variables of a part of the template, within those of the parts around it.
final class Scope {
    fileprivate(set) var values: [String: Value?]
    private let parent: Scope?

    /// A scope with the variables that analysis found. Parameters have no value yet.
    fileprivate init(_ layout: ScopeLayout, in parent: Scope?, context: Interpreter) {
        self.parent = parent
        values = Dictionary(minimumCapacity: layout.count)
        for (name, origin) in layout {
            let value: Value? =
                switch origin {
                case .parameter, .unset: nil
                case .context: context.contextValue(name)
                case .outer: parent?.value(name)
                }
            values.updateValue(value, forKey: name)
        }
    }

    /// The value of a variable; nil if it has none.
    func value(_ name: String) -> Value? {
        var scope: Scope? = self
        while let current = scope {
            if let value = current.values[name] { return value }
            scope = current.parent
        }
        return nil
    }

    /// Whether a parameter has no value yet.
    func isUnset(_ name: String) -> Bool { values[name].map { $0 == nil } ?? true }

    func set(_ name: String, to value: Value?) { values.updateValue(value, forKey: name) }
}

/// A macro, with the scope in which it was defined.
final class Macro {
    let definition: MacroDefinition
    let scope: Scope

    init(definition: MacroDefinition, scope: Scope) {
        self.definition = definition
        self.scope = scope
    }
}
