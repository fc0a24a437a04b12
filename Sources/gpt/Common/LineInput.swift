import ArgumentParser
import Files

/// The lines of a file or of standard input, for commands that write a result for each line.
struct LineInput: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The file to read, in UTF-8, with a text on each line. (default: -, standard input)", valueName: "file"))
    var text: String?

    func validate() throws { try requireNames(text) }

    /// The name of the input in messages.
    var name: String { text.map { $0 == "-" ? "standard input" : $0 } ?? "standard input" }

    /// Calls `body` with the lines in order, as they arrive, without their ends (LF or CR LF).
    /// - Parameters:
    ///   - limit: the maximum number of lines of a call.
    ///   - body: called with the number of the first line, counted from 1, and the lines.
    func forEach(atMost limit: Int, _ body: (_ first: Int, _ lines: [String]) throws -> Void) throws {
        let path = text ?? "-"
        if path == "-", inputIsTerminal { note("Enter a text on each line; Ctrl-D ends.") }
        var number = 1
        try TextFile.readBlocks(
            path, size: 1, allowingEmpty: true, splitPoint: { bytes in bytes.lastIndex(of: 0x0A).map { $0 + 1 } },
            reportsLineEnds: false, notice: { note($0) }
        ) { block in
            // By bytes: CR LF is one Character.
            var lines = block.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)[...]
            // What follows the last line end is no line.
            if lines.last?.isEmpty == true { lines.removeLast() }
            while !lines.isEmpty {
                let part = lines.prefix(limit).map { String(Substring($0.last == 0x0D ? $0.dropLast() : $0)) }
                lines = lines.dropFirst(limit)
                try body(number, part)
                number += part.count
            }
        }
    }
}
