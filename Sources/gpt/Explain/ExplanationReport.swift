import GPTKit

/// What `gpt explain` prints.
struct ExplanationReport {
    let explanation: Explanation
    let colours: TerminalColours
    /// The number of alternatives of each token that are shown.
    let top: Int

    /// The most columns of the table of the logit lens.
    private static let columns = 8
    /// The most rows of the table of heads.
    private static let rows = 48

    /// The sections, each of some lines.
    var sections: [[String]] {
        var sections: [[String]] = []
        if explanation.kind == .translator { sections.append(translation) }
        if !explanation.labels.isEmpty { sections.append(labels) }
        let predicted = explanation.predicted
        if predicted.contains(where: { $0.logProbability != nil }) {
            sections.append(SurpriseText(tokens: predicted, colours: colours).lines)
            sections.append(summary)
            sections.append(table)
        } else if explanation.kind != .translator {
            sections.append([explanation.tokens.map { shown($0.piece) }.joined(separator: " ")])
        }
        if !explanation.lens.isEmpty { sections.append(lens) }
        if !explanation.heads.isEmpty { sections.append(heads) }
        return sections
    }

    // MARK: Tokens

    private var translation: [String] {
        [
            "source       " + explanation.tokens.map { shown($0.piece) }.joined(separator: " "),
            "translation  "
                + (explanation.translation.map(escaped)
                    ?? explanation.target.dropFirst().map { String($0.id) }.joined(separator: " ")),
        ]
    }

    private var labels: [String] {
        aligned(
            [["label", "probability"]] + explanation.labels.map { [escaped($0.label), fixed($0.probability, 4)] })
    }

    /// The mean surprise.
    private var summary: [String] {
        let bits = explanation.predicted.compactMap(\.surprise)
        let mean = bits.reduce(0, +) / Double(max(1, bits.count))
        let condition =
            explanation.kind == .masked ? "each given the whole text, itself included" : "each given those before it"
        return [
            "\(counted(explanation.predicted.count, "token")), \(fixed(mean, 2)) bits per token: -log2 p, \(condition)."
        ]
    }

    /// The tokens, and what the model expected at their positions.
    private var table: [String] {
        var rows = [["position", "id", "token", "bits", "p", "most probable"]]
        for (position, token) in explanation.predicted.enumerated() {
            rows.append([
                "\(position)", "\(token.id)", shown(token.piece), token.surprise.map { fixed($0, 2) } ?? "-",
                token.logProbability.map { percent(TokenLogProbability(id: token.id, logProbability: $0).probability) }
                    ?? "-", alternatives(token.alternatives),
            ])
        }
        if explanation.kind != .masked, let next = explanation.lens.last?.last {
            rows.append(["\(explanation.predicted.count)", "", "", "", "", alternatives(next)])
        }
        return aligned(rows, left: [2, 5])
    }

    private func alternatives(_ tokens: [TokenLogProbability]) -> String {
        tokens.prefix(top).map { "\(shown(explanation.piece($0.id))) \(percent($0.probability))" }
            .joined(separator: "  ")
    }

    private func percent(_ probability: Double) -> String {
        let value = 100 * probability
        return value > 0 && value < 0.1 ? "<0.1%" : "\(fixed(value, value < 9.95 ? 1 : 0))%"
    }

    // MARK: Layers

    /// The most probable token after each layer, of at most so many layers as fit.
    private var lens: [String] {
        let layers = explanation.lens, last = layers.count - 1
        let count = min(layers.count, Self.columns)
        let chosen = count < 2 ? [last] : (0..<count).map { $0 * last / (count - 1) }
        let names = chosen.map { layer in
            layer == last ? "result" : layer == 0 ? "embeddings" : "layer \(layer - 1)"
        }
        var rows = [["position", "token"] + names]
        for (position, token) in explanation.predicted.enumerated() where position < layers[last].count {
            let cells = chosen.map { layer in
                layers[layer][position].first.map {
                    "\(shown(explanation.piece($0.id), atMost: 10)) \(percent($0.probability))"
                } ?? "-"
            }
            rows.append(["\(position)", shown(token.piece)] + cells)
        }
        let what = explanation.kind == .masked ? "at the position" : "after the position"
        return [
            "Logit lens: the most probable token \(what), if the final norm and the classifier read the residual stream "
                + "after each layer."
        ] + aligned(rows, left: Set(1..<(2 + chosen.count)))
    }

    // MARK: Heads

    private enum Score: String, CaseIterable {
        case previousToken = "previous token"
        case firstToken = "first token"
        case induction = "induction"

        func value(_ head: HeadScores) -> Double? {
            switch self {
            case .previousToken: head.previousToken
            case .firstToken: head.firstToken
            case .induction: head.induction
            }
        }
    }

    private var heads: [String] {
        let all = explanation.heads, isTranslator = explanation.kind == .translator
        var listed = all
        if all.count > Self.rows {
            // Those that are among the strongest of a score.
            let strongest = Set(
                Score.allCases.flatMap { score in
                    all.indices.filter { score.value(all[$0]) != nil }
                        .sorted { (score.value(all[$0]) ?? 0, $1) > (score.value(all[$1]) ?? 0, $0) }.prefix(8)
                })
            listed = strongest.sorted().map { all[$0] }
        }
        func cell(_ value: Double?) -> String { value.map { fixed($0, 2) } ?? "-" }
        let kinds = isTranslator ? ["attention"] : []
        let rows =
            [kinds + ["layer", "head"] + Score.allCases.map(\.rawValue)]
            + listed.map { head in
                (isTranslator ? [head.kind.rawValue] : []) + ["\(head.layer)", "\(head.head)"]
                    + Score.allCases.map { cell($0.value(head)) }
            }
        var lines = [
            "Heads: the mean attention to the token before, to the first token, and, in random tokens that are repeated, to the "
                + "token after the first occurrence."
        ]
        lines += aligned(rows, left: isTranslator ? [0] : [])
        if listed.count < all.count { lines.append("(\(listed.count) of \(all.count) heads; --json has all)") }
        for score in Score.allCases {
            guard let best = all.max(by: { (score.value($0) ?? -1) < (score.value($1) ?? -1) }),
                let value = score.value(best)
            else { continue }
            let kind = isTranslator ? " (\(best.kind.rawValue))" : ""
            lines.append(
                "Strongest, \(score.rawValue): layer \(best.layer), head \(best.head)\(kind), \(fixed(value, 2))")
        }
        return lines
    }
}
