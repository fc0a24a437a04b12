/// A syntax error in a JSON text, and its position.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// The problem, such as "expected a comma or ]".
    package let problem: String

    /// The byte of the text at which parsing stopped, from 0.
    package let offset: Int

    /// The line of that byte, from 1.
    package let line: Int

    /// Its column in bytes, from 1.
    package let column: Int

    init(_ problem: String, at offset: Int, of bytes: UnsafeBufferPointer<UInt8>) {
        self.problem = problem
        self.offset = offset
        let before = bytes.prefix(offset)
        line = before.count { $0 == UInt8(ascii: "\n") } + 1
        column = offset - (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
    }

    package var description: String { "line \(line), column \(column): \(problem)" }
}
