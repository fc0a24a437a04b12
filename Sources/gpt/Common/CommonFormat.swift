import GPTKit

/// A number with a fixed number of decimals. Values that are not finite are "nan" or "inf".
func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.spelling }
    guard value.magnitude < 1e15 else { return value.spelling }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e18 else { return value.spelling }
    let digits = String(UInt64(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return sign + (decimals == 0 ? padded : padded.dropLast(decimals) + "." + padded.suffix(decimals))
}

/// An integer with digits in groups of three: 1,115,394.
func grouped(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (i, digit) in digits.enumerated() {
        if i > 0, (digits.count - i) % 3 == 0 { text += "," }
        text.append(digit)
    }
    return text
}

/// A count and its noun: "1 token", "2,000 tokens".
func counted(_ value: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(grouped(value)) \(value == 1 ? noun : plural ?? noun + "s")"
}

/// A size in bytes with a suitable unit: "412 bytes", "3.2 MB", "1.5 GB".
func bytes(_ count: Int) -> String {
    let value = Double(count)
    if value < 1e4 { return counted(count, "byte") }
    if value < 1e6 { return "\(fixed(value / 1e3, 0)) KB" }
    if value < 1e9 { return "\(fixed(value / 1e6, 1)) MB" }
    return "\(fixed(value / 1e9, 2)) GB"
}

/// A large number in words: "4.9 million", "1.2 billion".
func large(_ value: Double) -> String {
    guard value.magnitude < 1e18 else { return value.spelling }
    if value < 1e6 { return grouped(Int(value.rounded())) }
    if value < 1e9 { return "\(fixed(value / 1e6, 1)) million" }
    if value < 1e12 { return "\(fixed(value / 1e9, 1)) billion" }
    return "\(fixed(value / 1e12, 1)) trillion"
}

/// A description of a vocabulary: "66 tokens including <|endoftext|>: characters".
func vocabularyWords(_ size: Int, of tokenizer: any Tokenizer) -> String {
    let reserved = tokenizer.endOfText.flatMap { tokenizer.specialToken($0) }.map { " including \($0.text)" } ?? ""
    return "\(counted(size, "token"))\(reserved): \(tokenizer.kind)"
}

/// A duration with suitable units: "0.35 s", "12 s", "3 min 20 s", "1 h 5 min".
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "\(seconds.spelling) s" }
    if seconds < 10 { return "\(fixed(seconds, 2)) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole / 60 % 60) min"
}

/// Text on one line: newlines and other control characters are written as \n, \t, \u{1b}.
func escaped(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": line += "\\\\"
        case "\n": line += "\\n"
        case "\r": line += "\\r"
        case "\t": line += "\\t"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }
    return line
}

/// A path as a word of a shell command that can be copied. It is quoted if it contains characters other than letters,
/// digits and a few signs. "./" is added to a path that would be read as an option.
func shellWord(_ path: String) -> String {
    let path = path.hasPrefix("-") ? "./" + path : path
    let plain = Set("/._-+:@%,=".utf8)
    let isPlain = path.utf8.allSatisfy {
        ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 >= 0x80 || plain.contains($0)
    }
    if isPlain, !path.isEmpty { return path }
    if path.utf8.contains(where: { $0 < 0x20 }) { return "$'" + escaped(path).replacing("'", with: "\\'") + "'" }
    return "'" + path.replacing("'", with: "'\\''") + "'"
}

/// Resolves the escapes in text from the command line: \n is a newline, \t a tab, \r a carriage return and \\ a
/// backslash. A backslash before any other character is kept.
func unescaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in text.unicodeScalars {
        if isEscaped {
            isEscaped = false
            switch scalar {
            case "n": result.append("\n")
            case "t": result.append("\t")
            case "r": result.append("\r")
            case "\\": result.append("\\")
            default: result.append(contentsOf: ["\\", scalar])
            }
        } else if scalar == "\\" {
            isEscaped = true
        } else {
            result.append(scalar)
        }
    }
    if isEscaped { result.append("\\") }
    return String(result)
}

/// Aligns the columns of rows.
/// - Parameters:
///   - rows: the cells of each row.
///   - left: the columns that are aligned to the left, for text. The others are aligned to the right, for numbers.
///   - indentation: the number of spaces before each row.
func aligned(_ rows: [[String]], left: Set<Int> = [0], indentation: Int = 0) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
        var line = String(repeating: " ", count: indentation)
        for (column, cell) in row.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            if column > 0 { line += "  " }
            line += left.contains(column) ? cell + padding : padding + cell
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// A small number with two significant digits: 3.1e-06.
func scientific(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return value.spelling }
    var exponent = 0, mantissa = value
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\(fixed(mantissa, 1))e\(exponent)"
}
