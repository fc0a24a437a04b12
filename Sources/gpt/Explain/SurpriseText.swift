import GPTKit

/// The tokens of a text with their surprise, as a colour or as bits under each token.
struct SurpriseText {
    let tokens: [Explanation.Token]
    let colours: TerminalColours
    /// The greatest number of columns of a line without colours.
    var width = 96

    /// The surprise that has the strongest colour, in bits.
    static let strongest = 10.0

    /// The lines to print.
    var lines: [String] {
        if case .none = colours { return linesWithBits }
        return colouredLines
    }

    private var colouredLines: [String] {
        var text = ""
        for token in tokens {
            let amount = (token.surprise ?? 0) / Self.strongest
            // A line end is shown, and has its effect.
            for (number, line) in token.piece.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if number > 0 { text += colours.shaded("\\n", amount) + "\n" }
                if !line.isEmpty { text += colours.shaded(escaped(String(line)), amount) }
            }
        }
        let scale = stride(from: 0.0, through: Self.strongest, by: 2).map { bits in
            colours.shaded(" \(fixed(bits, 0)) ", bits / Self.strongest)
        }
        return [text, "", scale.joined() + " bits"]
    }

    private var linesWithBits: [String] {
        var lines: [String] = [], first = "", second = ""
        func flush() {
            guard !first.isEmpty else { return }
            lines += [first, second].map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
            (first, second) = ("", "")
        }
        for token in tokens {
            let piece = shown(token.piece), bits = token.surprise.map { fixed($0, 1) } ?? "-"
            let length = max(piece.count, bits.count)
            if first.count + length > width { flush() }
            first += piece + String(repeating: " ", count: length - piece.count + 1)
            second += bits + String(repeating: " ", count: length - bits.count + 1)
        }
        flush()
        return lines
    }
}

/// A token in a table: on one line, with visible spaces, and cut off if it is long.
func shown(_ piece: String, atMost length: Int = 16) -> String {
    let text = escaped(piece).replacing(" ", with: "\u{B7}")
    return text.count > length ? text.prefix(length - 1) + "\u{2026}" : text
}
