/// What rendering may cost. A template is read from a file that others made, so it may be hostile: one that goes on and on,
/// or that makes texts without end, is an error.
package struct RenderingLimits: Sendable {
    /// The greatest number of steps. Statements, expressions, elements of loops and the reading of texts all take steps. This
    /// number takes a few seconds.
    package var steps = 5_000_000

    /// The greatest number of scalars and elements of all texts and lists that are made.
    package var memory = 20_000_000

    /// The greatest nesting of expressions, statements and macros that are being evaluated.
    package var depth = 160

    /// The greatest number of elements of `range()`: that of Jinja's sandbox.
    static let greatestRange = 100_000

    package init() {}
}

/// Counts what a rendering costs.
final class Budget {
    private var steps: Int
    private var memory: Int

    init(_ limits: RenderingLimits) {
        steps = limits.steps
        memory = limits.memory
    }

    /// Counts steps.
    func spend(_ count: Int = 1) throws {
        steps -= min(count, .max / 2)
        if steps < 0 { throw ChatTemplateError("the template does too much: it may not end") }
    }

    /// Counts the reading of a text.
    func read(_ text: Text) throws { try spend(1 + text.count / 8) }

    /// Counts work that looks up properties of each scalar, or hashes it.
    func examine(_ text: Text) throws { try spend(1 + text.count / 2) }

    /// Counts scalars and elements before they are made.
    func allocate(_ count: Int) throws {
        memory -= min(count, .max / 2)
        if memory < 0 { throw ChatTemplateError("the template makes texts or lists that are too long") }
    }

    /// A list or a tuple of these elements.
    func elements(_ items: [Value]) throws -> Elements {
        try allocate(8 * items.count + 4)
        let elements = Elements(items)
        try check(elements.depth)
        return elements
    }

    /// Checks the depth of a value.
    func check(_ depth: Int) throws {
        if depth > Value.greatestDepth {
            throw ChatTemplateError("values are nested more than \(Value.greatestDepth) deep")
        }
    }
}
