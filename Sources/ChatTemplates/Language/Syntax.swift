/// An expression of a template. Its height is bounded (`greatestHeight`), so that recursion over it fits in any stack.
final class Expression: Sendable {
    let kind: Kind
    let line: Int
    let height: Int

    static let greatestHeight = 80

    init(_ kind: Kind, line: Int) throws {
        self.kind = kind
        self.line = line
        height = 1 + (kind.children.map(\.height).max() ?? 0)
        guard height <= Self.greatestHeight else {
            throw ChatTemplateError("an expression is nested more than \(Self.greatestHeight) deep", line: line)
        }
    }

    indirect enum Kind: Sendable {
        case literal(Literal)
        case name(String)
        case list([Expression])
        case tuple([Expression])
        case mapping([(key: Expression, value: Expression)])
        case attribute(Expression, String)
        case item(Expression, Expression)
        case slice(Expression, from: Expression?, to: Expression?, by: Expression?)
        case call(Expression, CallArguments)
        /// A filter, of the body of its statement if there is no expression.
        case filter(Expression?, String, CallArguments)
        case test(Expression, String, CallArguments)
        case not(Expression)
        case negative(Expression)
        case positive(Expression)
        case arithmetic(String, Expression, Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
        case concatenation([Expression])
        /// A chain of comparisons such as `a < b <= c`, true if all of them are.
        case comparison(Expression, [(symbol: String, Expression)])
        case conditional(condition: Expression, then: Expression, else: Expression?)
    }

    enum Literal: Sendable {
        case none
        case bool(Bool)
        case int(Int)
        case float(Double)
        case text(Text)
    }
}

/// The arguments of a call, a filter or a test.
struct CallArguments: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, Expression)] = []
    /// `*list` and `**dictionary`.
    var list: Expression?
    var dictionary: Expression?

    var expressions: [Expression] { positional + named.map(\.1) + [list, dictionary].compactMap { $0 } }
}

extension Expression.Kind {
    /// The expressions within, in the order in which they are written.
    var children: [Expression] {
        switch self {
        case .literal, .name: []
        case .list(let items), .tuple(let items), .concatenation(let items): items
        case .mapping(let members): members.flatMap { [$0.key, $0.value] }
        case .attribute(let base, _): [base]
        case .item(let base, let index): [base, index]
        case .slice(let base, let start, let stop, let step): [base] + [start, stop, step].compactMap { $0 }
        case .call(let callee, let arguments): [callee] + arguments.expressions
        case .filter(let base, _, let arguments): (base.map { [$0] } ?? []) + arguments.expressions
        case .test(let base, _, let arguments): [base] + arguments.expressions
        case .not(let operand), .negative(let operand), .positive(let operand): [operand]
        case .arithmetic(_, let left, let right), .and(let left, let right), .or(let left, let right): [left, right]
        case .comparison(let first, let others): [first] + others.map(\.1)
        case .conditional(let condition, let then, let otherwise):
            [condition, then] + (otherwise.map { [$0] } ?? [])
        }
    }
}

/// What `set` and `for` assign to.
indirect enum Target: Sendable {
    case name(String)
    case attribute(of: String, String)
    case tuple([Target])
}

/// A statement of a template. The numbers of scopes are positions in `Program.layouts`.
struct Statement: Sendable {
    let kind: Kind
    let line: Int

    /// The greatest nesting of statements.
    static let greatestDepth = 60

    enum Kind: Sendable {
        case data(Text)
        case output(Expression)
        case set(Target, Expression)
        case setBlock(Target, filter: Expression?, [Statement], scope: Int)
        case conditional([(condition: Expression, body: [Statement])], else: [Statement])
        case loop(Loop)
        case macro(MacroDefinition)
        case call(Expression, caller: MacroDefinition)
        case filter(Expression, [Statement], scope: Int)
        case with([(target: Target, value: Expression)], [Statement], scope: Int)
        case generation([Statement], scope: Int)
        case stop(isBreak: Bool)
    }

    struct Loop: Sendable {
        let target: Target
        let iterable: Expression
        let condition: Expression?
        let body: [Statement]
        let otherwise: [Statement]
        let scope: Int
        let conditionScope: Int
        let otherwiseScope: Int
    }
}

/// A macro, or the body of a `call` statement, which has no name.
final class MacroDefinition: Sendable {
    let name: String?
    let parameters: [String]
    /// The defaults of the last parameters.
    let defaults: [Expression]
    let body: [Statement]
    let scope: Int
    /// `caller`, `kwargs` and `varargs`, as far as the body uses them: the macro has them besides its parameters.
    let implicitParameters: [String]

    init(name: String?, parameters: [String], defaults: [Expression], body: [Statement], scope: Int) {
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self.body = body
        self.scope = scope
        let names = Set(body.flatMap(\.names))
        implicitParameters = ["caller", "kwargs", "varargs"].filter { names.contains($0) && !parameters.contains($0) }
    }
}
