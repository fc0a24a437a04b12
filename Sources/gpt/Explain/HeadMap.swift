import GPTKit

/// The attention of a head as a map of shaded cells: a row for each query, a column for each key.
struct HeadMap {
    let map: AttentionMap
    let head: Int
    /// The tokens that attend, and those that they attend to.
    let queries: [Explanation.Token]
    let keys: [Explanation.Token]

    /// The most rows and columns that are shown, which are the last.
    static let limit = 64
    private static let shades: [Character] = [" ", "\u{2591}", "\u{2592}", "\u{2593}", "\u{2588}"]

    /// The map, below a row with the first characters of the keys. Beside each row stands the key with the highest probability.
    var lines: [String] {
        let rows = max(0, queries.count - Self.limit)..<queries.count
        let columns = max(0, keys.count - Self.limit)..<keys.count
        let labels = rows.map { "\($0) \(shown(queries[$0].piece, atMost: 12))" }
        let indentation = (labels.map(\.count).max() ?? 0) + 1
        let width = columns.count <= Self.limit / 2 ? 2 : 1
        let heads = columns.map { String(shown(keys[$0].piece).first ?? " ") + (width == 2 ? " " : "") }.joined()
        let header = String(repeating: " ", count: indentation + 1) + heads
        var lines = [String(header.reversed().drop { $0 == " " }.reversed())]
        for (row, label) in zip(rows, labels) {
            let cells = columns.map { key in
                String(repeating: Self.shade(map[head, row, key]), count: width)
            }.joined()
            let best = (0..<keys.count).max { map[head, row, $0] < map[head, row, $1] } ?? 0
            let padding = String(repeating: " ", count: indentation - label.count - 1)
            lines.append(
                "\(padding)\(label) \u{2502}\(cells)\u{2502} \(best) \(shown(keys[best].piece, atMost: 12)) "
                    + fixed(map[head, row, best], 2))
        }
        if rows.lowerBound > 0 || columns.lowerBound > 0 {
            lines.append("(the last \(Self.limit) positions; --json and --html have all)")
        }
        return lines
    }

    /// The shade of a probability. Steps are of its square root, so that small ones are visible.
    static func shade(_ probability: Double) -> Character {
        shades[max(0, min(4, Int((probability.squareRoot() * 4).rounded())))]
    }
}
