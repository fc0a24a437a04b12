import Files

/// A path in a message, on one line.
func shown(path: String) -> String { FileError.shown(path) }

/// A word of a file in a message: in quotes, on one line, and cut off if it is long.
func shown(_ word: String) -> String {
    var line = "\""
    let scalars = word.unicodeScalars
    for scalar in scalars.prefix(60) {
        if scalar.value < 0x20 || scalar.value == 0x7F || scalar.properties.generalCategory == .lineSeparator {
            line += scalar.escaped(asASCII: true)
        } else {
            line.unicodeScalars.append(scalar)
        }
    }
    return line + (scalars.dropFirst(60).isEmpty ? "\"" : "...\"")
}

/// A list of words in a message: the first ten, and how many more there are.
func shown(_ words: [String]) -> String {
    let first = words.prefix(10).map { shown($0) }
    if words.count > 10 { return first.joined(separator: ", ") + " and \(words.count - 10) more" }
    guard let last = first.last, first.count > 1 else { return first.first ?? "none" }
    return first.dropLast().joined(separator: ", ") + " and " + last
}

/// A number with its noun: "1 field", "2 fields".
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
