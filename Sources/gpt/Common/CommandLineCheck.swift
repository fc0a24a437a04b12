import ArgumentParser

/// Checks of the command line that the argument parser does not make.
enum CommandLineCheck {
    /// The number of the first argument that is not valid UTF-8, from 1; nil if all are valid.
    ///
    /// The parser replaces bytes that it cannot decode, so a path would become the name of another file. A Swift
    /// `String` cannot contain other bytes; such arguments are therefore rejected.
    static func firstUndecodable() -> Int? {
        (1..<max(1, Int(CommandLine.argc))).first { number in
            guard let bytes = CommandLine.unsafeArgv[number] else { return false }
            return String(validatingCString: bytes) == nil
        }
    }

    /// An error message if `arguments` contain the name of an unknown command, with the name that was probably meant;
    /// nil otherwise.
    static func unknownCommand(in arguments: [String], of root: any ParsableCommand.Type) -> String? {
        var command = root
        for argument in arguments {
            if argument == "help" { continue }
            let subcommands = command.configuration.subcommands
            if subcommands.isEmpty || argument.hasPrefix("-") { return nil }
            if let next = subcommands.first(where: { name(of: $0) == argument }) {
                command = next
                continue
            }
            let names = subcommands.map(name)
            let nearest = names.map { ($0, distance(argument, $0)) }.min { $0.1 < $1.1 }
            let suggestion =
                if let nearest, nearest.1 <= max(1, min(nearest.0.count, argument.count) / 2) {
                    "Did you mean '\(nearest.0)'?"
                } else { "Choose from \(names.joined(separator: ", "))." }
            return "Unknown command '\(escaped(argument))'. \(suggestion)"
        }
        return nil
    }

    private static func name(of command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

    /// The first of `arguments` that is a group of single-letter options including h.
    ///
    /// The only single-letter option is -h, so such a group is a mistake. The parser would treat it as a request for
    /// help.
    static func groupWithHelp(in arguments: [String]) -> String? {
        let before = arguments.prefix { $0 != "--" }
        if before.contains(where: { ["-h", "--help", "--help-hidden", "-help", "help", "--version"].contains($0) }) {
            return nil
        }
        return before.first { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.contains("h") && $0.count > 2 }
    }

    /// The first of `arguments` that differs from --help in one character. The parser does not suggest --help itself.
    static func misspeltHelp(in arguments: [String]) -> String? {
        arguments.prefix { $0 != "--" }.first { $0.hasPrefix("--") && distance($0, "--help") == 1 }
    }

    /// The number of insertions, deletions, replacements and transpositions of adjacent characters that change one word
    /// into the other (optimal string alignment distance).
    private static func distance(_ one: String, _ other: String) -> Int {
        let a = Array(one), b = Array(other)
        var rows = [Array(0...b.count)]
        for i in 1...max(1, a.count) where i <= a.count {
            var row = [i]
            for j in 1...max(1, b.count) where j <= b.count {
                var least = min(row[j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    least = min(least, rows[i - 2][j - 2] + 1)
                }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
