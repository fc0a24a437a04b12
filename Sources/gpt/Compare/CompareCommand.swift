import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt compare`: several kinds of model on the same text, from n-gram counts to a GPT.
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

            With --positions it compares the ways in which a GPT can represent the positions of tokens, each with several seeds: \
            the loss at the context length of the training and, for positions without a maximum (all but learned), at twice and \
            four times that length.

              gpt compare --positions learned,sinusoidal,rotary,alibi,none --seeds 3 --steps 1000

            The loss is per token, so losses with different tokenizers are not comparable; use bits per byte for that.
            """)

    @OptionGroup(title: "Text") var text: TextOptions

    @Option(
        help: ArgumentHelp(
            "The tokenizer: char, byte, bpe:N, wordpiece:N, a published vocabulary or a file. Several tokenizers, separated by commas, are "
                + "compared.",
            valueName: "kinds"))
    var tokenizer = "char"

    /// The sizes of `gpt compare`.
    enum Sizes: SizeDefaults {
        static let layers = "4, for gpt only"
        static let heads = "4, for gpt only"
        static let width = "128, for gpt only"
        static let context = "128 for gpt, 64 for attention and bigram"
    }

    @Option(
        help: ArgumentHelp(
            "The models to compare, separated by commas: ngram, bigram, attention, gpt.", valueName: "kinds"))
    var models = Self.allModels

    static let allModels = ModelSpecification.Kind.languageModels.map(\.rawValue).joined(separator: ",")

    @Option(
        help: ArgumentHelp(
            "Compare kinds of positions of a GPT instead, separated by commas: learned, sinusoidal, rotary, alibi, none.",
            valueName: "kinds"))
    var positions: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With --positions, the number of runs for each kind, with the seeds --seed, --seed + 1, ...: 1 to 1000. (default: 3)",
            valueName: "number"))
    var seeds: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Training steps per model. (default: 1000 for bigram, 3000 for attention, 2700 for gpt)",
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

    @OptionGroup var size: SizeOptions<Sizes>

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Random seed. With --steps, the same seed gives the same models.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Save each model in its own directory inside this one. (default: the models are not saved)",
            valueName: "directory"))
    var out: String?

    @OptionGroup var execution: ExecutionOptions

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    private func kinds() throws -> [ModelSpecification.Kind] {
        let names = models.split(separator: ",").map(trimmed)
        let kinds = try names.map { name in
            guard let kind = ModelSpecification.Kind(argument: name) else {
                let known = ModelSpecification.Kind.languageModels.map(\.rawValue).joined(separator: ", ")
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

    func choices() throws -> [TokenizerSpecification] {
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
        try validatePositions()
        let kinds = try positions == nil ? kinds() : [.gpt]
        _ = try choices()
        if steps != nil, minutes != nil { throw ValidationError("Give either --steps or --minutes, not both.") }
        let given: [(String, Bool)] = [
            ("--steps", steps != nil), ("--minutes", minutes != nil), ("--order", order != nil),
        ]
        for option in given.filter(\.1).map(\.0) + size.given {
            // The width is that of the gpt alone.
            let isOfGPT = option == "--width"
            let id = TrainingSetting.ID(option: option)
            guard kinds.contains(where: { isOfGPT ? $0 == .gpt : id?.hasEffect(on: $0) ?? true }) else {
                throw ValidationError("\(option) does not apply to any model in --models: leave it out.")
            }
        }
        for kind in kinds {
            if let problem = settings(for: kind).problem { try checkingUsage { throw problem } }
        }
        try requireTexts(text.text)
        try requireName(out)
    }

    func settings(for kind: ModelSpecification.Kind) -> TrainingSettings {
        var settings = DefaultSettings.settings(for: kind)
        if let steps { settings.length = .steps(steps) }
        if let minutes { settings.length = .minutes(minutes) }
        if let context = size.context { settings.setContext(context) }
        switch settings.model {
        case .ngram(var configuration):
            if let order { configuration.order = order }
            settings.model = .ngram(configuration)
        case .bigram, .attention, .encoder, .encoderDecoder: break
        case .transformer(let configuration):
            settings.model = .transformer(configuration.with(size.transformer))
        }
        settings.seed = seed
        settings.validation = text.validation ?? settings.validation
        settings.specialTokens = text.specialTokens
        return settings
    }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                if positions != nil { return try comparePositions(positionKinds()) }
                let all = try kinds().map { settings(for: $0) }
                let choices = try choices()
                for settings in all {
                    for label in Self.labels(of: choices) {
                        guard let path = directory(settings.model.kind, label) else { continue }
                        if let occupant = RunDirectory.occupant(of: path) {
                            throw TrainingError.occupied(directory: path, occupant)
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
    private func directory(_ kind: ModelSpecification.Kind, _ label: String?) -> String? {
        guard let out else { return nil }
        guard let label else { return "\(out)/\(kind.rawValue)" }
        let name = label.map { $0.isLetter || $0.isNumber || "_.".contains($0) ? $0 : "-" }
        return "\(out)/\(String(name))/\(kind.rawValue)"
    }

    private func compare(_ all: [TrainingSettings], _ choices: [TokenizerSpecification]) throws {
        let (texts, origin) = try text.read()
        try text.requireEffect(on: texts)
        let all = all.map { settings in
            var settings = settings
            settings.joinsTexts = texts.count > 1
            return settings
        }
        var comparison = try ModelComparison(
            all, tokenizers: choices, texts: texts, origin: origin, validation: text.validationShare
        ) { note($0) }
        if let tokenizer = comparison.readings.first?.tokenizer,
            let (token, name) = text.plainSpecialToken(in: texts, tokenizer)
        {
            note(specialTokenAsText(token, in: name))
        }
        let names = texts.map { escaped($0.name) }.joined(separator: ", ")
        let hasSeveral = choices.count > 1
        for reading in comparison.readings {
            let vocabulary = hasSeveral ? " with \(escaped(reading.name))" : ""
            try writeLine(
                "\(names)\(vocabulary): \(counted(reading.data.trainingCount, "training token")), "
                    + "\(counted(reading.data.validationCount, "validation token")).")
        }
        try writeLine()
        let width = hasSeveral ? comparison.readings.map { escaped($0.name).count }.max() ?? 0 : 0
        try writeLine(
            Self.row(
                "model", hasSeveral ? "tokenizer" : nil, "parameters", "time", "loss", "bits/byte", "sample",
                labels: width))
        for run in comparison.runs {
            let label = hasSeveral ? escaped(run.reading.name) : nil
            guard let entry = try train(run, label, &comparison) else { break }
            try writeLine(
                Self.row(
                    name(of: entry.model), label, grouped(entry.parameterCount), duration(entry.seconds),
                    fixed(entry.loss, 4), fixed(entry.bitsPerByte, 4), Self.shortened(entry.line), labels: width))
        }
        if let signal = StopSignal.received {
            note("Stopped; the model in training is lost\(out == nil ? "" : ", except for its last checkpoint").")
            throw ExitCode(128 + signal)
        }
        try writeLine()
        for line in verdicts(comparison, hasSeveral) { try writeLine(line) }
        if json { try writeLine(object(comparison).serialized()) }
    }

    /// Trains a model; nil if that was stopped.
    private func train(
        _ run: (settings: TrainingSettings, reading: ModelComparison.Reading), _ label: String?,
        _ comparison: inout ModelComparison
    ) throws -> ModelComparison.Entry? {
        let kind = run.settings.model.kind
        let path = directory(kind, label)
        let progress =
            kind.isTrained
            ? ComparisonProgress(kind.rawValue + (label.map { " with \($0)" } ?? ""), run.settings) : nil
        defer { progress?.finish() }
        // Only a run with a directory has something to save; any other ends at once.
        guard path != nil, kind.isTrained else {
            return try comparison.train(run, directory: path, report: { progress?.report($0) })
        }
        return try StopSignal.deferring { shouldStop in
            try comparison.train(run, directory: path, shouldStop: shouldStop) { progress?.report($0) }
        }
    }

    private func name(of model: ModelSpecification) -> String {
        if case .ngram(let configuration) = model { return "ngram (\(configuration.order))" }
        return model.kind.rawValue
    }

    /// A sample as it fits on the line of a terminal.
    private static func shortened(_ line: String) -> String {
        let line = escaped(line)
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

    /// The results in sentences.
    private func verdicts(_ comparison: ModelComparison, _ hasSeveral: Bool) -> [String] {
        let entries = comparison.entries
        var lines: [String] = []
        if entries.contains(where: { !$0.result.isComplete }) {
            let error = entries.compactMap(\.result.standardError).max().map {
                ", with a standard error up to \(fixed($0, 4))"
            }
            lines.append(
                "The losses are measured on a sample of the validation text, the same number of tokens for each "
                    + "model\(error ?? ""), because evaluating the whole text takes too long compared with training.")
        }
        func name(_ entry: ModelComparison.Entry) -> String {
            self.name(of: entry.model) + (hasSeveral ? " with \(escaped(entry.tokenizerName))" : "")
        }
        for entry in entries {
            guard let difference = comparison.difference(entry) else { continue }
            let verdict = difference < 0 ? "better" : "worse"
            lines.append(
                "\(name(entry)) is \(verdict) than the n-gram baseline by \(fixed(abs(difference), 4)) nats per token.")
        }
        if !entries.contains(where: { $0.model.kind == .ngram }) {
            lines.append(
                "No baseline: add ngram to --models to see whether the trained models are better than counting.")
        }
        if entries.count > 1, let best = comparison.best {
            lines.append("The best model is \(name(best))\(hasSeveral ? ", by bits per byte" : "").")
        }
        if let out { lines.append("The models are in \(out).") }
        return lines
    }

    private func object(_ comparison: ModelComparison) -> JSON {
        [
            "models": .array(
                comparison.entries.map { entry in
                    [
                        "model": .string(entry.model.kind.rawValue), "tokenizer": .string(escaped(entry.tokenizerName)),
                        "parameters": .int(entry.parameterCount),
                        "seconds": .double(entry.seconds), "loss": .double(entry.loss),
                        "standard_error": entry.result.standardError.map(JSON.double) ?? .null,
                        "windows": .int(entry.result.windows), "all_windows": .int(entry.result.allWindows),
                        "bits_per_byte": .double(entry.bitsPerByte),
                        "bits_per_character": .double(entry.bitsPerCharacter),
                        "beats_counting": comparison.difference(entry).map { .bool($0 < 0) } ?? .null,
                        "line": .string(Self.shortened(entry.line)),
                    ]
                })
        ]
    }
}

/// A name from a list without the spaces around it; those within a path are its own.
func trimmed(_ name: Substring) -> String {
    var name = name.drop { $0 == " " }
    while name.last == " " { name.removeLast() }
    return String(name)
}
