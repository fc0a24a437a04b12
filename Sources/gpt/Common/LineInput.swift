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

    /// Calls `body` with the lines in order, as they arrive, without their ends.
    /// - Parameters:
    ///   - limit: the maximum number of lines of a call.
    ///   - body: called with the number of the first line, counted from 1, and the lines.
    func forEach(atMost limit: Int, _ body: (_ first: Int, _ lines: [String]) throws -> Void) throws {
        let path = text ?? "-"
        if path == "-", inputIsTerminal {
            note("Enter a text on each line; Ctrl-D ends.")
        } else if text == nil, !inputArrives(within: 1000) {
            // A script can pass on its own open pipe by accident.
            note("Waiting for text on standard input; --text gives a file.")
        }
        var number = 1
        try TextFile.readLines(path, notice: { note($0) }) { lines in
            for start in stride(from: 0, to: lines.count, by: limit) {
                let part = Array(lines[start..<min(start + limit, lines.count)])
                try body(number, part)
                number += part.count
            }
        }
    }
}
