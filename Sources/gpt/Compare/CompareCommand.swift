import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt compare`: the ladder of models on one text, from counting to a GPT.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Train several kinds of model on the same text and compare their losses.",
        discussion: """
            The models are ngram (counts only), bigram (a trained table of next-token logits), attention (a single head) \
            and gpt (a transformer). All are trained on the same text and evaluated on the same held-out end of it. \
            ngram is the baseline: a trained model is useful only if its loss is lower. On tiny Shakespeare the command \
            takes a few minutes.

              gpt compare
              gpt compare --text notes.txt --models ngram,gpt --minutes 2
              gpt compare --models ngram,gpt --tokenizer char,bpe:512,bpe:1024

            The loss is per token, so losses with different tokenizers are not comparable; use bits per byte for that.
            """)

    @OptionGroup(title: "Text") var text: TextOptions

    @Option(
        help: ArgumentHelp(
            "The tokenizer: char, byte, bpe:N, a published vocabulary or a file. Several tokenizers, separated by commas, are "
                + "compared.",
            valueName: "kinds"))
    var tokenizer = "char"

    @Option(
        help: ArgumentHelp(
            "The models to compare, separated by commas: ngram, bigram, attention, gpt.", valueName: "kinds"))
    var models = ModelKind.allCases.map(\.rawValue).joined(separator: ",")

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Training steps per model. (default: 1000 for bigram, 3000 for attention, 5500 for gpt)",
            valueName: "number"))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Training minutes per model, instead of steps.", valueName: "minutes"))
    var minutes: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The order n of the n-gram model, 1 to 1000. (default: 7)", valueName: "n"))
    var order: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Transformer blocks of the gpt, 1 to 4096. (default: 4)", valueName: "number"))
    var layers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Attention heads per block of the gpt; its width must be a multiple of it. (default: 4)",
            valueName: "number"))
    var heads: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The embedding width of the gpt. (default: 128)", valueName: "number"))
    var width: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The context length of the trained models. (default: 128 for gpt, 64 for attention and bigram)",
            valueName: "tokens"))
    var context: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Random seed: the same seed gives the same models.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Save each model in its own directory inside this one. (default: the models are not saved)",
            valueName: "directory"))
    var out: String?

    @OptionGroup var execution: ExecutionOptions

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    /// A vocabulary and the text in its tokens.
    private struct Reading {
        var choice: TokenizerSpecification
        /// What it is called, where there are several; no other is called that.
        var label: String?
        var tokenizer: any Tokenizer
        var data: TokenDataset
    }

    /// A model and how it did.
    private struct Rung {
        var kind: ModelKind
        var name: String
        var choice: TokenizerSpecification
        var label: String?
        var parameters: Int
        var seconds: Double
        var result: ValidationResult
        var bitsPerByte: Double
        var bitsPerCharacter: Double
        var line: String

        var loss: Double { result.loss }
    }

    private func kinds() throws -> [ModelKind] {
        let names = models.split(separator: ",").map(trimmed)
        let kinds = try names.map { name in
            guard let kind = ModelKind(rawValue: name) else {
                let known = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("Unknown model '\(escaped(name))'; choose from \(known).")
            }
            return kind
        }
        if kinds.isEmpty { throw ValidationError("--models is empty: name at least one model.") }
        if Set(kinds).count < kinds.count {
            throw ValidationError("--models contains a model twice: name each model once.")
        }
        return kinds
    }

    private func choices() throws -> [TokenizerSpecification] {
        let choices = try tokenizer.split(separator: ",").map { name in
            try checkingUsage { try TokenizerSpecification(asked: trimmed(name)) }
        }
        if choices.isEmpty { throw ValidationError("--tokenizer is empty: name at least one tokenizer.") }
        for (i, choice) in choices.enumerated() where choices[..<i].contains(choice) {
            throw ValidationError("--tokenizer contains a tokenizer twice: name each tokenizer once.")
        }
        return choices
    }

    func validate() throws {
        let kinds = try kinds()
        _ = try choices()
        if steps != nil, minutes != nil { throw ValidationError("Give either --steps or --minutes, not both.") }
        let given: [(String, Bool)] = [
            ("--steps", steps != nil), ("--minutes", minutes != nil), ("--order", order != nil),
            ("--layers", layers != nil), ("--heads", heads != nil), ("--width", width != nil),
            ("--context", context != nil),
        ]
        for (option, isGiven) in given where isGiven {
            // A width is given for the gpt alone.
            let isOfGPT = option == "--width"
            guard kinds.contains(where: { isOfGPT ? $0 == .gpt : TrainingSetting.hasEffect(option, on: $0) }) else {
                throw ValidationError("\(option) does not apply to any model in --models: leave it out.")
            }
        }
        for kind in kinds {
            if let problem = settings(for: kind).problem { try checkingUsage { throw TrainingError.setting(problem) } }
        }
        try requireTexts(text.text)
        try requireName(out)
    }

    private func settings(for kind: ModelKind) -> TrainingSettings {
        var settings = DefaultSettings.settings(for: kind)
        if let steps { settings.length = .steps(steps) }
        if let minutes { settings.length = .minutes(minutes) }
        if let context { settings.shape.context = context }
        if kind == .gpt {
            if let layers { settings.shape.layers = layers }
            if let heads { settings.shape.heads = heads }
            if let width { settings.shape.width = width }
        }
        if let order { settings.shape.order = order }
        settings.seed = seed
        settings.validation = text.validation ?? settings.validation
        return settings
    }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                let all = try kinds().map { settings(for: $0) }
                let choices = try choices()
                for settings in all {
                    for label in Self.labels(of: choices) {
                        guard let path = directory(settings.shape.kind, label) else { continue }
                        if let occupant = RunDirectory.occupant(of: path) {
                            throw TrainingError.directory(occupant.refusal(path))
                        }
                    }
                }
                try compare(all, choices)
            }
        }
    }

    /// What the vocabularies are called; nil where there is only one.
    private static func labels(of choices: [TokenizerSpecification]) -> [String?] {
        choices.count == 1 ? [nil] : TokenizerSpecification.names(of: choices).map(escaped)
    }

    /// Where a model is kept, if it is: of several vocabularies each has a directory of its own.
    private func directory(_ kind: ModelKind, _ label: String?) -> String? {
        guard let out else { return nil }
        guard let label else { return "\(out)/\(kind.rawValue)" }
        let name = label.map { $0.isLetter || $0.isNumber || "_.".contains($0) ? $0 : "-" }
        return "\(out)/\(String(name))/\(kind.rawValue)"
    }

    private func compare(_ all: [TrainingSettings], _ choices: [TokenizerSpecification]) throws {
        let (texts, origin) = try text.read()
        let validation = text.validationShare
        let context = all.filter { $0.shape.kind != .ngram }.map(\.shape.context).max() ?? 1
        let readings = try zip(choices, Self.labels(of: choices)).map { choice, label in
            let tokenizer = try choice.make(for: texts, validation: validation) { note($0) }
            for settings in all {
                try MemoryEstimate(settings, vocabularySize: tokenizer.vocabularySize).check()
            }
            return Reading(
                choice: choice, label: label, tokenizer: tokenizer,
                data: try TokenDataset(texts, tokenizer: tokenizer, validation: validation, contextLength: context))
        }
        let names = texts.map { escaped($0.name) }.joined(separator: ", ")
        for reading in readings {
            let vocabulary = reading.label.map { " with \($0)" } ?? ""
            try writeLine(
                "\(names)\(vocabulary): \(counted(reading.data.trainingCount, "training token")), "
                    + "\(counted(reading.data.validationCount, "validation token")).")
        }
        try writeLine()
        let width = readings.compactMap(\.label?.count).max() ?? 0
        let heading = readings.count == 1 ? nil : "tokenizer"
        try writeLine(
            Self.row("model", heading, "parameters", "time", "loss", "bits/byte", "sample", labels: width))

        var rungs: [Rung] = []
        training: for reading in readings {
            for settings in TrainingSettings.measuredAlike(all, vocabularySize: reading.tokenizer.vocabularySize) {
                guard let rung = try train(settings, reading, origin) else { break training }
                try writeLine(
                    Self.row(
                        rung.name, rung.label, grouped(rung.parameters), duration(rung.seconds), fixed(rung.loss, 4),
                        fixed(rung.bitsPerByte, 4), rung.line, labels: width))
                rungs.append(rung)
            }
        }
        if let signal = StopSignal.received {
            note("Stopped; the model in training is lost\(out == nil ? "" : ", except for its last checkpoint").")
            throw ExitCode(128 + signal)
        }
        try writeLine()
        for line in verdicts(rungs) { try writeLine(line) }
        if json { try writeLine(object(rungs).serialized()) }
    }

    // MARK: A rung

    /// Trains a model and measures it; nil if that was stopped.
    private func train(_ settings: TrainingSettings, _ reading: Reading, _ origin: TextOrigin) throws -> Rung? {
        var settings = settings
        settings.tokenizer = reading.choice
        let (tokenizer, data) = (reading.tokenizer, reading.data)
        let kind = settings.shape.kind
        let kept = try directory(kind, reading.label).map {
            try RunDirectory(creating: $0, tokenizer: tokenizer, data: data, origin: origin)
        }
        let model: any LanguageModel
        let result: ValidationResult
        let begin = ContinuousClock.now
        var seconds: Double { (ContinuousClock.now - begin) / .seconds(1) }
        if let neural = settings.shape.makeNeuralModel(vocabularySize: tokenizer.vocabularySize, seed: seed) {
            let trainer = try Trainer(neural, data: data, settings: settings, store: kept ?? MemoryStore())
            let progress = RungProgress(kind.rawValue + (reading.label.map { " with \($0)" } ?? ""), settings)
            defer { progress.finish() }
            // Only a run with a directory has something to save; any other ends at once.
            let end =
                try kept == nil
                ? trainer.run(report: progress.report)
                : StopSignal.deferring { try trainer.run(shouldStop: $0, report: progress.report) }
            if end == .stopped || StopSignal.received != nil { return nil }
            guard let final = trainer.progress.final else { return nil }
            (model, result) = (neural, final)
        } else {
            let counting = try NGramBaseline.run(
                data, order: settings.shape.order, vocabularySize: tokenizer.vocabularySize,
                atMost: settings.finalEvaluation.count ?? .max, length: settings.shape.context)
            guard let counting else { return nil }
            (model, result) = counting
            try kept?.save(counted: model, settings: settings, data: data, result: result, seconds: seconds)
        }
        let loss = result.loss
        let elapsed = seconds
        return Rung(
            kind: kind, name: kind == .ngram ? "ngram (\(settings.shape.order))" : kind.rawValue,
            choice: reading.choice,
            label: reading.label,
            parameters: model.parameterCount, seconds: elapsed, result: result,
            bitsPerByte: bits(loss) / data.validationBytesPerToken,
            bitsPerCharacter: bitsPerCharacter(loss, data, tokenizer),
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

    /// - Parameter width: of the longest label.
    private static func row(_ cells: String?..., labels width: Int) -> String {
        let widths = [10, max(11, width), 12, 11, 7, 9, 0]
        var line = ""
        for (column, cell) in cells.enumerated() {
            guard let cell else { continue }
            let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
            if column > 0 { line += "  " }
            line += [0, 1, 6].contains(column) ? cell + padding : padding + cell
        }
        return line
    }

    /// Who has beaten counting and who has lost to it.
    private func verdicts(_ rungs: [Rung]) -> [String] {
        var lines: [String] = []
        if rungs.contains(where: { !$0.result.isComplete }) {
            let error = rungs.compactMap(\.result.standardError).max().map {
                ", with a standard error up to \(fixed($0, 4))"
            }
            lines.append(
                "The losses are measured on a sample of the validation text, the same number of tokens for each "
                    + "model\(error ?? ""), because evaluating the whole text takes too long compared with training.")
        }
        func name(_ rung: Rung) -> String { rung.name + (rung.label.map { " with \($0)" } ?? "") }
        for rung in rungs where rung.kind != .ngram {
            guard let counting = counting(for: rung, among: rungs) else { continue }
            let difference = fixed(abs(rung.loss - counting.loss), 4)
            let verdict = rung.loss < counting.loss ? "better" : "worse"
            lines.append("\(name(rung)) is \(verdict) than the n-gram baseline by \(difference) nats per token.")
        }
        if !rungs.contains(where: { $0.kind == .ngram }) {
            lines.append(
                "No baseline: add ngram to --models to see whether the trained models are better than counting.")
        }
        if rungs.count > 1, let best = rungs.min(by: { $0.bitsPerByte < $1.bitsPerByte }) {
            lines.append("The best model is \(name(best))\(best.label == nil ? "" : ", by bits per byte").")
        }
        if let out { lines.append("The models are in \(out).") }
        return lines
    }

    /// What counting reaches on the same tokens.
    private func counting(for rung: Rung, among rungs: [Rung]) -> Rung? {
        rungs.first { $0.kind == .ngram && $0.choice == rung.choice }
    }

    private func object(_ rungs: [Rung]) -> JSON {
        [
            "models": .array(
                rungs.map { rung in
                    [
                        "model": .string(rung.kind.rawValue), "tokenizer": .string(rung.label ?? rung.choice.name),
                        "parameters": .int(rung.parameters),
                        "seconds": .double(rung.seconds), "loss": .double(rung.loss),
                        "standard_error": rung.result.standardError.map(JSON.double) ?? .null,
                        "windows": .int(rung.result.windows), "all_windows": .int(rung.result.allWindows),
                        "bits_per_byte": .double(rung.bitsPerByte),
                        "bits_per_character": .double(rung.bitsPerCharacter),
                        "beats_counting": rung.kind == .ngram
                            ? .null : counting(for: rung, among: rungs).map { .bool(rung.loss < $0.loss) } ?? .null,
                        "line": .string(rung.line),
                    ]
                })
        ]
    }
}

/// A name from a list without the spaces around it; those within a path are its own.
private func trimmed(_ name: Substring) -> String {
    var name = name.drop { $0 == " " }
    while name.last == " " { name.removeLast() }
    return String(name)
}
