import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt compare`: the ladder of models on one text, from counting to a GPT.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Train the ladder of models on one text and hold them against each other.",
        discussion: """
            The rungs are ngram, which counts; bigram, a trained table of what follows each token; attention, one head \
            of it; and gpt. All learn from the same text and are measured on the same end of it, which none has seen. \
            Whatever does not beat ngram has lost to counting. On tiny Shakespeare it takes some minutes.

              gpt compare
              gpt compare --text notes.txt --models ngram,gpt --minutes 2
            """)

    @OptionGroup(title: "Text") var text: TextOptions

    @Option(
        help: ArgumentHelp("Which models, separated by commas: ngram, bigram, attention, gpt.", valueName: "kinds"))
    var models = ModelKind.allCases.map(\.rawValue).joined(separator: ",")

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Steps for each model that trains. (default: what each needs)", valueName: "number"))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Minutes for each model that trains, instead of steps.", valueName: "minutes"))
    var minutes: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("The n of the ngram.", valueName: "n"))
    var order = 7

    @Option(parsing: .unconditional, help: ArgumentHelp("Layers of the gpt. (default: 4)", valueName: "number"))
    var layers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Attention heads in each layer of the gpt. (default: 4)", valueName: "number"))
    var heads: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("The width of the gpt. (default: 128)", valueName: "number"))
    var width: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many tokens attention and gpt see at once. (default: 64)", valueName: "tokens"))
    var context: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("The same number gives the same models.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Keep the models: each in a directory of its own in this one. (default: they are not kept)",
            valueName: "directory"))
    var out: String?

    @OptionGroup var execution: ExecutionOptions

    @Flag(help: "Print the results once more as one JSON object, the last line of the output.")
    var json = false

    /// A model and how it did.
    private struct Rung {
        var kind: ModelKind
        var name: String
        var parameters: Int
        var seconds: Double
        var loss: Double
        var bitsPerCharacter: Double
        var line: String
    }

    private func kinds() throws -> [ModelKind] {
        let names = models.split(separator: ",").map { String($0).filter { $0 != " " } }
        let kinds = try names.map { name in
            guard let kind = ModelKind(rawValue: name) else {
                let known = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("There is no model '\(escaped(name))'; choose from \(known).")
            }
            return kind
        }
        if kinds.isEmpty { throw ValidationError("Name at least one model with --models.") }
        if Set(kinds).count < kinds.count { throw ValidationError("Name each model once.") }
        return kinds
    }

    func validate() throws {
        _ = try kinds()
        if steps != nil, minutes != nil { throw ValidationError("Give either --steps or --minutes, not both.") }
    }

    private func settings(for kind: ModelKind) -> TrainingSettings {
        var settings = Recipe.settings(for: kind)
        if let steps { settings.length = .steps(steps) }
        if let minutes { settings.length = .minutes(minutes) }
        if let context { settings.shape.context = context }
        if kind == .gpt {
            if let layers { settings.shape.layers = layers }
            if let heads { settings.shape.heads = heads }
            if let width { settings.shape.width = width }
        }
        settings.shape.order = order
        settings.seed = seed
        settings.validation = text.validation ?? settings.validation
        settings.tokenizer = text.tokenizer ?? .characters
        return settings
    }

    func run() throws {
        try reportingFailures {
            StopSignal.catchAll()
            try execution.execute {
                let all = try kinds().map { settings(for: $0) }
                for settings in all {
                    if let problem = settings.problem { throw TrainingError.setting(problem) }
                    if let path = directory(settings.shape.kind), let occupant = RunDirectory.occupant(of: path) {
                        throw TrainingError.directory(occupant.refusal(path))
                    }
                }
                try compare(all)
            }
        }
    }

    private func directory(_ kind: ModelKind) -> String? { out.map { "\($0)/\(kind.rawValue)" } }

    private func compare(_ all: [TrainingSettings]) throws {
        let (texts, origin) = try text.read()
        let tokenizer = try (text.tokenizer ?? .characters).make(for: texts)
        let context = all.filter { $0.shape.kind != .ngram }.map(\.shape.context).max() ?? 1
        let data = try TokenDataset(
            texts, tokenizer: tokenizer, validation: text.checkedValidation(), contextLength: context)
        for settings in all {
            try MemoryEstimate(settings, vocabularySize: tokenizer.vocabularySize).check()
        }
        try writeLine(
            "\(texts.map { escaped($0.name) }.joined(separator: ", ")): \(counted(data.trainingCount, "token")) to learn from, "
                + "\(grouped(data.validationCount)) to be measured on.\n")
        try writeLine(Self.row("model", "parameters", "time", "loss", "bits/char", "a line it wrote"))

        var rungs: [Rung] = []
        for settings in all {
            guard let rung = try train(settings, data, tokenizer, origin) else { break }
            try writeLine(
                Self.row(
                    rung.name, grouped(rung.parameters), duration(rung.seconds), fixed(rung.loss, 4),
                    fixed(rung.bitsPerCharacter, 4), rung.line))
            rungs.append(rung)
        }
        if let signal = StopSignal.received {
            note("Stopped; what was being trained is lost\(out == nil ? "" : " but for its directory").")
            throw ExitCode(128 + signal)
        }
        try writeLine()
        for line in verdicts(rungs) { try writeLine(line) }
        if json { try writeLine(object(rungs).serialized()) }
    }

    // MARK: A rung

    /// Trains a model and measures it; nil if that was stopped.
    private func train(
        _ settings: TrainingSettings, _ data: TokenDataset, _ tokenizer: any Tokenizer, _ origin: TextOrigin
    ) throws -> Rung? {
        let kind = settings.shape.kind
        let kept = try directory(kind).map {
            try RunDirectory(creating: $0, tokenizer: tokenizer, data: data, origin: origin)
        }
        let model: any LanguageModel
        let loss: Double
        let begin = ContinuousClock.now
        var seconds: Double { (ContinuousClock.now - begin) / .seconds(1) }
        if let neural = settings.shape.makeNeuralModel(vocabularySize: tokenizer.vocabularySize, seed: seed) {
            let trainer = try Trainer(neural, data: data, settings: settings, store: kept ?? MemoryStore())
            let progress = RungProgress(kind.rawValue, settings)
            defer { progress.finish() }
            let end = try trainer.run(shouldStop: { StopSignal.received != nil }, report: progress.report)
            if end == .stopped { return nil }
            (model, loss) = (neural, trainer.progress.finalLoss ?? .nan)
        } else {
            let counting = try Counting.run(data, order: order, vocabularySize: tokenizer.vocabularySize)
            (model, loss) = (counting.model, counting.evaluation.loss)
            try kept?.save(counted: model, settings: settings, data: data, loss: loss, seconds: seconds)
        }
        let elapsed = seconds
        return Rung(
            kind: kind, name: kind == .ngram ? "ngram (\(order))" : kind.rawValue, parameters: model.parameterCount,
            seconds: elapsed, loss: loss, bitsPerCharacter: bitsPerCharacter(loss, data, tokenizer),
            line: try line(by: TextGenerator(model, tokenizer: tokenizer)))
    }

    /// A loss per token in bits for each character that was predicted.
    private func bitsPerCharacter(_ loss: Double, _ data: TokenDataset, _ tokenizer: any Tokenizer) -> Double {
        var tokens = 0, characters = 0
        for document in data.documents {
            tokens += document.validation.count - 1
            characters += tokenizer.decode(document.validation.dropFirst()).unicodeScalars.count
        }
        return bits(loss) * Double(tokens) / Double(max(1, characters))
    }

    /// The first line with some length that a model writes, cut to what a terminal shows.
    private func line(by generator: TextGenerator) throws -> String {
        let text = try generator.text(after: "", length: 200, settings: GenerationSettings(seed: seed))
        let lines = text.split(separator: "\n").map(String.init)
        let line = escaped(lines.first { $0.count >= 20 } ?? lines.max { $0.count < $1.count } ?? "")
        return line.count > 56 ? line.prefix(53) + "..." : line
    }

    // MARK: Words

    private static func row(_ cells: String...) -> String {
        let widths = [10, 12, 11, 7, 9, 0]
        var line = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
            if column > 0 { line += "  " }
            line += column == 0 || column == 5 ? cell + padding : padding + cell
        }
        return line
    }

    /// Who has beaten counting and who has lost to it.
    private func verdicts(_ rungs: [Rung]) -> [String] {
        var lines: [String] = []
        if let counting = rungs.first(where: { $0.kind == .ngram }) {
            for rung in rungs where rung.kind != .ngram {
                let difference = fixed(abs(rung.loss - counting.loss), 4)
                if rung.loss < counting.loss {
                    lines.append("\(rung.name) beats counting by \(difference) nats a token.")
                } else {
                    lines.append("\(rung.name) has lost to counting by \(difference) nats a token.")
                }
            }
        } else {
            lines.append("Counting is not among them; without ngram nothing says whether training was worth it.")
        }
        if rungs.count > 1, let best = rungs.min(by: { $0.loss < $1.loss }) {
            lines.append("The best of them is \(best.name).")
        }
        if let out { lines.append("The models are in \(out).") }
        return lines
    }

    private func object(_ rungs: [Rung]) -> JSON {
        let counting = rungs.first { $0.kind == .ngram }
        return [
            "models": .array(
                rungs.map { rung in
                    [
                        "model": .string(rung.kind.rawValue), "parameters": .int(rung.parameters),
                        "seconds": .double(rung.seconds), "loss": .double(rung.loss),
                        "bits_per_character": .double(rung.bitsPerCharacter),
                        "beats_counting": rung.kind == .ngram
                            ? .null : counting.map { .bool(rung.loss < $0.loss) } ?? .null,
                        "line": .string(rung.line),
                    ]
                })
        ]
    }
}

/// How the training of a rung goes: on one line of a terminal, and through a pipe in a line now and then.
private final class RungProgress {
    private let name: String
    private let settings: TrainingSettings
    private let begin = ContinuousClock.now
    private var lastShown = ContinuousClock.now

    init(_ name: String, _ settings: TrainingSettings) {
        self.name = name
        self.settings = settings
        if errorsAreTerminal { return }
        switch settings.length {
        case .steps(let steps): note("training \(name) for \(counted(steps, "step"))")
        case .minutes(let minutes): note("training \(name) for \(duration(60 * minutes))")
        }
    }

    func report(_ event: TrainingEvent) {
        guard case .step(let step, let loss, let rate) = event,
            ContinuousClock.now - lastShown > (errorsAreTerminal ? .milliseconds(100) : .seconds(30))
        else { return }
        lastShown = .now
        let elapsed = (lastShown - begin) / .seconds(1)
        let left: Double
        switch settings.length {
        case .steps(let steps): left = elapsed / Double(step) * Double(steps - step)
        case .minutes(let minutes): left = 60 * minutes - elapsed
        }
        let line =
            "\(name): step \(grouped(step)), loss \(fixed(loss, 3)), \(grouped(Int(rate))) tokens/s, "
            + "\(duration(max(0, left))) left"
        show(errorsAreTerminal ? "\r\u{1B}[K" + line : line + "\n")
    }

    func finish() {
        if errorsAreTerminal { show("\r\u{1B}[K") }
    }
}
