import ArgumentParser
import GPTKit
import StrictJSON

// The comparison of position encodings.
extension CompareCommand {
    /// The kinds of positions to compare; empty if models are compared.
    func positionKinds() throws -> [Positions.Kind] {
        guard let positions else { return [] }
        let kinds = try positions.split(separator: ",").map { name in
            guard let kind = Positions.Kind(rawValue: trimmed(name)) else {
                let known = Positions.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("Unknown positions '\(escaped(trimmed(name)))'; choose from \(known).")
            }
            return kind
        }
        if kinds.isEmpty { throw ValidationError("--positions is empty: name at least one kind.") }
        if Set(kinds).count < kinds.count {
            throw ValidationError("--positions contains a kind twice: name each kind once.")
        }
        return kinds
    }

    /// Rejects options that only one of the two comparisons has.
    func validatePositions() throws {
        guard positions != nil else {
            if seeds != nil {
                throw ValidationError("--seeds applies to --positions: leave it out, or give --positions.")
            }
            return
        }
        _ = try positionKinds()
        if let seeds, !(1...1000).contains(seeds) {
            throw ValidationError("--seeds is \(seeds); it must be between 1 and 1000.")
        }
        if let option = (out.map { _ in "--out" }) ?? (order.map { _ in "--order" }) {
            throw ValidationError("\(option) does not apply to --positions: leave it out.")
        }
        if models != Self.allModels { throw ValidationError("--positions compares GPTs: leave out --models.") }
        if try choices().count > 1 { throw ValidationError("--positions needs one --tokenizer.") }
    }

    func comparePositions(_ kinds: [Positions.Kind]) throws {
        let settings = settings(for: .gpt)
        let (texts, _) = try text.read()
        try text.requireEffect(on: texts)
        let tokenizer = try choices()[0].make(
            for: texts, validation: settings.validation, special: text.specialTokens, notice: { note($0) })
        let data = try TokenDataset(
            texts, tokenizer: tokenizer, validation: settings.validation, contextLength: settings.sequenceLength,
            special: text.specialTokens)
        var comparison = try PositionComparison(kinds, settings, tokenizer: tokenizer, data: data)
        let seeds = (0..<UInt64(seeds ?? 3)).map { seed &+ $0 }
        try writeLine(Self.row(["positions"] + Self.lengths(settings) + ["ms per step"]))
        for (index, kind) in kinds.enumerated() {
            for seed in seeds {
                let run = comparison.settings(kind, seed: seed)
                let progress = ComparisonProgress("\(kind.rawValue), seed \(seed)", run)
                defer { progress.finish() }
                _ = try comparison.train(entry: index, seed: seed, report: { progress.report($0) })
            }
            let entry = comparison.entries[index]
            let cells = PositionComparison.factors.map { factor in
                entry.loss(at: factor).map { Self.figure($0.mean, $0.deviation, 4) } ?? "-"
            }
            let time = entry.stepSeconds
            try writeLine(
                Self.row([kind.rawValue] + cells + [Self.figure(1e3 * time.mean, time.deviation.map { 1e3 * $0 }, 1)]))
        }
        try writeLine()
        try writeLine(
            "Loss in nats per token at the context of \(settings.sequenceLength) that the models were trained on, and at twice and "
                + "four times that length; mean and standard deviation of \(counted(seeds.count, "seed")). Learned positions have "
                + "no vectors for longer sequences (-).")
        if json { try writeLine(Self.object(comparison).serialized()) }
    }

    private static func lengths(_ settings: TrainingSettings) -> [String] {
        PositionComparison.factors.map { "T = \($0 * settings.sequenceLength)" }
    }

    private static func figure(_ mean: Double, _ deviation: Double?, _ digits: Int) -> String {
        fixed(mean, digits) + (deviation.map { " ± \(fixed($0, digits))" } ?? "")
    }

    private static func row(_ cells: [String]) -> String {
        cells.enumerated().map { column, cell in
            let padding = String(repeating: " ", count: max(0, (column == 0 ? 11 : 17) - cell.count))
            return column == 0 ? cell + padding : padding + cell
        }.joined(separator: "  ")
    }

    private static func object(_ comparison: PositionComparison) -> JSON {
        [
            "positions": .array(
                comparison.entries.map { entry in
                    [
                        "positions": .string(entry.positions.rawValue),
                        "runs": .array(
                            entry.runs.map { run in
                                [
                                    "seed": .string("\(run.seed)"), "seconds_per_step": .double(run.stepSeconds),
                                    "losses": .object(
                                        JSONObject(
                                            PositionComparison.factors.map { factor in
                                                ("\(factor)", run.losses[factor].map(JSON.double) ?? .null)
                                            })),
                                ]
                            }),
                    ]
                })
        ]
    }
}
