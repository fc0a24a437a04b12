/// How a variable of a scope begins.
enum VariableOrigin: Sendable {
    /// Set by the statement that opens the scope.
    case parameter
    /// A variable of the caller of `render`, or a function of Jinja.
    case context
    /// What the scope around has under this name.
    case outer
    /// Nothing, until the template sets it.
    case unset
}

/// The variables of a scope.
typealias ScopeLayout = [String: VariableOrigin]

/// A template ready to be run: its statements, and the variables of each scope.
struct Program: Sendable {
    let statements: [Statement]
    /// The scope of the template comes first.
    let layouts: [ScopeLayout]

    /// Whether there is a `generation` statement.
    let marksGenerations: Bool

    init(_ source: String) throws {
        statements = try TemplateParser.statements(of: source)
        var analysis = ScopeAnalysis()
        analysis.analyzeTemplate(statements)
        let scopes = analysis.layouts
        marksGenerations = statements.contains(where: \.containsGeneration)
        layouts = (0...(scopes.keys.max() ?? 0)).map { scopes[$0] ?? [:] }
    }
}

/// Finds the variables of each scope before the template runs, as Jinja's compiler does. That decides what a name means: a
/// variable that a scope sets anywhere belongs to it from its beginning, so a name in a loop may be that of a variable which
/// the template sets only later, and not that of the caller's.
///
/// Source: jinja2/idtracking.py describes the rules.
struct ScopeAnalysis {
    private(set) var layouts: [Int: ScopeLayout] = [:]

    /// The scopes from the current one outwards, in reverse.
    private var scopes: [Symbols] = []

    private struct Symbols {
        var origins: ScopeLayout = [:]
        var stores: Set<String> = []
    }

    mutating func analyzeTemplate(_ statements: [Statement]) {
        analyze(scope: 0, parameters: [], expressions: [], body: statements)
    }

    // MARK: Scopes

    private mutating func analyze(
        scope: Int, parameters: [String], expressions: [Expression], body: [Statement]
    ) {
        scopes.append(Symbols())
        for name in parameters { declare(name) }
        for expression in expressions { visit(expression) }
        for statement in body { visit(statement) }
        layouts[scope] = current.origins
        // Scopes within this one see all of its variables, also those that are set after them.
        for statement in body { analyzeScopes(in: statement) }
        scopes.removeLast()
    }

    private mutating func analyzeScopes(in statement: Statement) {
        switch statement.kind {
        case .data, .output, .set, .stop: break
        case .setBlock(_, let filter, let body, let scope):
            analyze(scope: scope, parameters: [], expressions: filter.map { [$0] } ?? [], body: body)
        case .conditional(let branches, let otherwise):
            for statement in branches.flatMap(\.body) + otherwise { analyzeScopes(in: statement) }
        case .loop(let loop):
            let names = loop.target.names
            analyze(scope: loop.scope, parameters: names + ["loop"], expressions: [], body: loop.body)
            analyze(
                scope: loop.conditionScope, parameters: names, expressions: loop.condition.map { [$0] } ?? [], body: [])
            analyze(scope: loop.otherwiseScope, parameters: [], expressions: [], body: loop.otherwise)
        case .macro(let macro), .call(_, let macro):
            analyze(
                scope: macro.scope, parameters: macro.parameters + macro.implicitParameters,
                expressions: macro.defaults,
                body: macro.body)
        case .filter(let filter, let body, let scope):
            analyze(scope: scope, parameters: [], expressions: [filter], body: body)
        case .with(let variables, let body, let scope):
            analyze(scope: scope, parameters: variables.flatMap(\.target.names), expressions: [], body: body)
        case .generation(let body, let scope): analyze(scope: scope, parameters: [], expressions: [], body: body)
        }
    }

    // MARK: Names

    private var current: Symbols {
        get { scopes[scopes.count - 1] }
        set { scopes[scopes.count - 1] = newValue }
    }

    private func isKnown(_ name: String) -> Bool { scopes.contains { $0.origins[name] != nil } }
    private func isKnownOutside(_ name: String) -> Bool { scopes.dropLast().contains { $0.origins[name] != nil } }

    private mutating func declare(_ name: String) {
        current.stores.insert(name)
        current.origins[name] = .parameter
    }

    private mutating func store(_ name: String) {
        current.stores.insert(name)
        if current.origins[name] == nil { current.origins[name] = isKnownOutside(name) ? .outer : .unset }
    }

    private mutating func load(_ name: String) {
        if !isKnown(name) { current.origins[name] = .context }
    }

    private mutating func visit(_ expression: Expression) {
        if case .name(let name) = expression.kind { load(name) }
        for child in expression.kind.children { visit(child) }
    }

    private mutating func visit(_ target: Target) {
        switch target {
        case .name(let name): store(name)
        case .attribute(let name, _): load(name)
        case .tuple(let targets): for target in targets { visit(target) }
        }
    }

    private mutating func visit(_ statement: Statement) {
        switch statement.kind {
        case .data, .stop, .generation: break
        case .output(let value): visit(value)
        case .set(let target, let value):
            visit(value)
            visit(target)
        case .setBlock(let target, _, _, _): visit(target)
        case .conditional(let branches, let otherwise): visit(branches[...], otherwise)
        case .loop(let loop): visit(loop.iterable)
        case .macro(let macro): if let name = macro.name { store(name) }
        case .call(let call, _): visit(call)
        case .filter(let filter, _, _): visit(filter)
        case .with(let variables, _, _): for variable in variables { visit(variable.value) }
        }
    }

    /// A variable that only some branches set has the caller's value in the others.
    private mutating func visit(
        _ branches: ArraySlice<(condition: Expression, body: [Statement])>, _ otherwise: [Statement]
    ) {
        guard let first = branches.first else { return }
        visit(first.condition)
        let before = current
        var results: [Symbols] = []
        for body in [first.body, otherwise] {
            for statement in body { visit(statement) }
            results.append(current)
            current = before
        }
        for branch in branches.dropFirst() {
            visit([branch], [])
        }
        results.insert(current, at: 1)
        current = before
        for result in results {
            current.origins.merge(result.origins) { $1 }
            current.stores.formUnion(result.stores)
        }
        for name in current.stores.subtracting(before.stores) {
            current.origins[name] = isKnownOutside(name) ? .outer : .context
        }
    }
}

extension Target {
    var names: [String] {
        switch self {
        case .name(let name): [name]
        case .attribute: []
        case .tuple(let targets): targets.flatMap(\.names)
        }
    }
}

extension Statement {
    /// The names that are read in the statement, and in those within it.
    var names: [String] {
        let (expressions, statements) = parts
        return expressions.flatMap(\.names) + statements.flatMap(\.names)
    }

    fileprivate var containsGeneration: Bool {
        if case .generation = kind { return true }
        return parts.statements.contains(where: \.containsGeneration)
    }

    private var parts: (expressions: [Expression], statements: [Statement]) {
        switch kind {
        case .data, .stop: ([], [])
        case .output(let value), .set(_, let value): ([value], [])
        case .setBlock(_, let filter, let body, _): (filter.map { [$0] } ?? [], body)
        case .conditional(let branches, let otherwise):
            (branches.map(\.condition), branches.flatMap(\.body) + otherwise)
        case .loop(let loop):
            ([loop.iterable] + (loop.condition.map { [$0] } ?? []), loop.body + loop.otherwise)
        case .macro(let macro): (macro.defaults, macro.body)
        case .call(let call, let macro): ([call] + macro.defaults, macro.body)
        case .filter(let filter, let body, _): ([filter], body)
        case .with(let variables, let body, _): (variables.map(\.value), body)
        case .generation(let body, _): ([], body)
        }
    }
}

extension Expression {
    fileprivate var names: [String] {
        if case .name(let name) = kind { return [name] }
        return kind.children.flatMap(\.names)
    }
}
