import TestSupport

/// A function of untrusted bytes: a parser of files, or an encoder of texts.
///
/// A new target conforms to this and is listed in `FuzzSuite.all`. `Fuzz` then runs it, and `HostileTests` runs the
/// inputs in the directory of its name in Tests/Fixtures/Hostile/.
package protocol FuzzTarget: Sendable {
    /// The name for `Fuzz`, and of the directory of inputs that once failed: "tokenizer-json".
    var name: String { get }

    /// An input, which depends on the generator's numbers alone, so that the seed reproduces it.
    func input(using generator: inout SeededGenerator) -> [UInt8]

    /// Processes an input in every way in which a program may use it.
    ///
    /// A clear error for an invalid input is correct. The results for a valid input are checked against a plain
    /// implementation, if there is one.
    /// - Throws: `FuzzFailure` if a check fails.
    func run(_ input: [UInt8]) throws
}

/// A failed check of the results for an input.
package struct FuzzFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Throws a failure with a message unless `condition` holds.
package func demand(_ condition: Bool, _ words: @autoclosure () -> String) throws(FuzzFailure) {
    if !condition { throw FuzzFailure(words()) }
}

/// Checks that an error is readable: one non-empty line.
package func demandOneLine(_ error: any Error) throws(FuzzFailure) {
    let text = "\(error)"
    try demand(
        !text.isEmpty && !text.utf8.contains { $0 < 0x20 }, "the error is not one line: \(text.debugDescription)")
    try demand(text.utf8.count < 2_000, "the error is \(text.utf8.count) bytes long: \(text.prefix(200)) ...")
}

/// Targets of one module, which are fuzzed alternately.
package struct FuzzSuite: Sendable {
    package let name: String
    /// A one-line description for `Fuzz --help`.
    package let about: String
    package let targets: [any FuzzTarget]

    package init(_ name: String, _ about: String, _ targets: [any FuzzTarget]) {
        self.name = name
        self.about = about
        self.targets = targets
    }

    /// All suites. Their initializers read the samples they need.
    package static func all() throws -> [FuzzSuite] {
        [try tokenizers(), try models(), try graphs(), try archives(), try chatTemplates(), tables()]
    }
}
