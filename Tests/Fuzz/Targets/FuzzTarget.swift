import TestSupport

/// Something that takes bytes from anyone: a reader of files, or an encoder of texts.
///
/// Another one is added by conforming to this and standing in `FuzzSuite.all`. `Fuzz` then feeds it, and `HostileTests` runs
/// the inputs kept in Tests/Fixtures/Hostile/ under its name.
package protocol FuzzTarget: Sendable {
    /// What `Fuzz` calls it, and the folder of the inputs that once went wrong: "tokenizer-json".
    var name: String { get }

    /// An input, made of the generator's numbers and nothing else, so that a seed makes it again.
    func input(using generator: inout SeededGenerator) -> [UInt8]

    /// Does with an input whatever a program may do with it.
    ///
    /// That an input is refused by a clear error is right, and ends quietly. What comes of one that is taken is held against
    /// a plain way to the same, where there is one.
    /// - Throws: `FuzzFailure` where something is wrong.
    func run(_ input: [UInt8]) throws
}

/// What is wrong with what came of an input.
package struct FuzzFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Throws a failure that says `words` unless `condition` holds.
package func demand(_ condition: Bool, _ words: @autoclosure () -> String) throws(FuzzFailure) {
    if !condition { throw FuzzFailure(words()) }
}

/// Whether an error is one that a person can read: a line with something in it.
package func demandOneLine(_ error: any Error) throws(FuzzFailure) {
    let text = "\(error)"
    try demand(!text.isEmpty && !text.utf8.contains { $0 < 0x20 }, "the error is no line: \(text.debugDescription)")
    try demand(text.utf8.count < 2_000, "the error is \(text.utf8.count) bytes long: \(text.prefix(200)) ...")
}

/// Targets of one room, fuzzed turn about.
package struct FuzzSuite: Sendable {
    package let name: String
    /// A line about it, for `Fuzz --help`.
    package let about: String
    package let targets: [any FuzzTarget]

    package init(_ name: String, _ about: String, _ targets: [any FuzzTarget]) {
        self.name = name
        self.about = about
        self.targets = targets
    }

    /// All there are. Making them reads what samples they need.
    package static func all() throws -> [FuzzSuite] {
        [try tokenizers(), try models(), try graphs(), try archives()]
    }
}
