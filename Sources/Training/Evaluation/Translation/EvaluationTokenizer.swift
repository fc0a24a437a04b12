/// The tokenizer "13a" of machine translation's evaluation: that of NIST's `mteval-v13a.pl`, as sacrebleu has it (Post, "A call
/// for clarity in reporting BLEU scores", 2018).
///
/// Line ends and four entities of SGML are resolved; then punctuation and symbols of ASCII are tokens of their own, except for
/// apostrophes, periods and commas between digits, and hyphens that no digit precedes. Other characters stay as they are.
package enum EvaluationTokenizer {
    private typealias Scalars = [Unicode.Scalar]

    /// The tokens of a text.
    package static func tokens(_ text: String) -> [String] {
        var line = Scalars(text.unicodeScalars)
        while let last = line.last, last.isPythonSpace { line.removeLast() }
        for (old, new) in [
            ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"),
        ] {
            line = replacing(Scalars(old.unicodeScalars), with: Scalars(new.unicodeScalars), in: line)
        }
        line = [" "] + line + [" "]
        line = separatingSymbols(line)
        // A period or comma, unless a digit precedes it; then unless one follows; then a hyphen after a digit.
        line = replacingPairs(in: line) { !$0.isDigit && $1.isStop ? [$0, " ", $1, " "] : nil }
        line = replacingPairs(in: line) { $0.isStop && !$1.isDigit ? [" ", $0, " ", $1] : nil }
        line = replacingPairs(in: line) { $0.isDigit && $1 == "-" ? [$0, " ", $1, " "] : nil }
        return line.split(whereSeparator: \.isPythonSpace).map { scalars in
            var token = String.UnicodeScalarView()
            token.append(contentsOf: scalars)
            return String(token)
        }
    }

    /// Puts spaces around symbols.
    private static func separatingSymbols(_ line: Scalars) -> Scalars {
        var result = Scalars()
        result.reserveCapacity(2 * line.count)
        for scalar in line {
            switch scalar {
            case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": result += [" ", scalar, " "]
            default: result.append(scalar)
            }
        }
        return result
    }

    /// Replaces pairs of neighbours from left to right; what was replaced is in no other pair.
    private static func replacingPairs(
        in line: Scalars, _ replacement: (Unicode.Scalar, Unicode.Scalar) -> Scalars?
    ) -> Scalars {
        var result = Scalars(), position = 0
        result.reserveCapacity(line.count + line.count / 4)
        while position < line.count {
            if position + 1 < line.count, let new = replacement(line[position], line[position + 1]) {
                result += new
                position += 2
            } else {
                result.append(line[position])
                position += 1
            }
        }
        return result
    }

    private static func replacing(_ old: Scalars, with new: Scalars, in line: Scalars) -> Scalars {
        guard let first = old.first, line.contains(first) else { return line }
        var result = Scalars(), position = 0
        while position < line.count {
            if line[position] == first, line[position...].starts(with: old) {
                result += new
                position += old.count
            } else {
                result.append(line[position])
                position += 1
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether Python's `str.split` splits here: the white space of Unicode, and four separators of ASCII.
    var isPythonSpace: Bool { properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self) }

    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }

    fileprivate var isStop: Bool { self == "." || self == "," }
}
