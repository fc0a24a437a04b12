import ArgumentParser
import GPTKit

// Training of encoders and encoder-decoders.
extension TrainCommand {
    /// A new run.
    func trainTask(_ kind: TaskKind) throws {
        let start = try from.map { try StartingModel($0, for: kind, acceptingEdits: files.acceptEditedFiles) }
        if let start { try requireEffects(on: start.specification.kind, "fine-tune \(start.path)") }
        var settings = try settings(from: start)
        if let problem = settings.problem { throw problem }
        try TrainingRanks.current.share(&settings, quiet: quiet)
        try requireFreeDirectory()
        switch kind {
        case .text: preconditionFailure("a text is another path")
        case .masked:
            let (texts, origin) = try text.read(remark: remark)
            var joined = settings
            joined.joinsTexts = texts.count > 1
            try begin(MaskedSource(texts), .texts(origin), joined, start)
        case .classify:
            let origin = try origin(kind)
            try begin(LabelledSource(labelled(origin, start), settings), origin, settings, start)
        case .translate:
            let origin = try origin(kind)
            try begin(pairs(origin, settings), origin, settings, start)
        }
    }

    /// A resumed run.
    func resumeTask(_ run: SavedRun) throws {
        let others =
            table.given.map(\.option) + (shape.model.map { _ in ["--model"] } ?? [])
            + (text.text.isEmpty || run.settings.task == .masked ? [] : ["--text"])
        if let option = others.first {
            throw CommandFailure(
                "cannot resume \(run.path): a run keeps its data and its kind of model; leave out \(option)")
        }
        var settings = run.settings
        try requireEffects(on: settings.model.kind, "resume \(run.path)")
        try apply(to: &settings)
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        var origin = run.origin
        if origin.paths.contains("-"), text.text.isEmpty {
            throw TrainingError.changed(
                directory: run.path,
                what: "its data were read from standard input, which cannot be read again"
                    + (settings.task == .masked ? "; give the same text with --text" : ""))
        }
        if settings.task == .masked, !text.text.isEmpty { origin = .texts(.files(text.text)) }
        switch settings.task {
        case .text: preconditionFailure("a text is another path")
        case .masked:
            guard case .texts(let texts) = origin else { throw damaged(run) }
            let source = MaskedSource(
                try texts.texts(notice: remark) { remark("Downloading tiny Shakespeare ...") })
            try resume(run, source, origin, settings)
        case .classify:
            guard case .encoder(let configuration) = settings.model else { throw damaged(run) }
            try resume(
                run, LabelledSource(labelled(origin, labels: configuration.labels), settings), origin, settings)
        case .translate: try resume(run, pairs(origin, settings), origin, settings)
        }
    }

    /// Where the data of a new run are from.
    private func origin(_ task: TaskKind) throws -> DataOrigin {
        if !table.data.isEmpty { return table.origin(task) }
        if task == .translate { return .dates }
        // A play on standard input can be read once.
        return .speeches(text.text.isEmpty ? try text.read(remark: remark).1 : .files(text.text))
    }

    private func damaged(_ run: SavedRun) -> TrainingError {
        .changed(directory: run.path, what: "its record of the data is damaged")
    }

    /// The labelled texts of a new run. A classifier that knows all of their labels keeps its own.
    private func labelled(_ origin: DataOrigin, _ start: StartingModel?) throws -> LabelledTexts {
        let texts = try labelled(origin, labels: nil)
        let known = start?.model.encoder?.configuration.labels ?? []
        if known.isEmpty || known == texts.labels { return texts }
        if Set(texts.labels).isSubset(of: known), !origin.paths.contains("-"), case .labelled = origin {
            return try labelled(origin, labels: known)
        }
        remark("The labels are not those of \(start?.path ?? "the model"): its classifier layer is new.")
        return texts
    }

    /// - Parameter labels: the labels of the model, in its order; nil if the data define them.
    private func labelled(_ origin: DataOrigin, labels: [String]?) throws -> LabelledTexts {
        let texts = try LabelledTexts.read(
            origin, labels: labels, notice: remark, willDownload: { remark("Downloading tiny Shakespeare ...") })
        guard let texts else { throw CommandFailure("the record of the data is damaged: it has no labelled texts") }
        return texts
    }

    private func pairs(_ origin: DataOrigin, _ settings: TrainingSettings) throws -> PairSource {
        let pairs = try TextPairs.read(
            origin, validation: settings.validation, seed: settings.seed, notice: remark)
        guard let pairs else { throw CommandFailure("the record of the data is damaged: it has no pairs") }
        return PairSource(training: pairs.training, validation: pairs.validation)
    }

    private func begin<Source: ReportingSource>(
        _ source: Source, _ origin: DataOrigin, _ settings: TrainingSettings, _ start: StartingModel?
    ) throws {
        let run = try TaskRun(
            settings, source, origin: origin, startingFrom: start, directory: { try freeNameOfRun() }, notice: remark)
        let path = run.directory?.path ?? ""
        let weights = start.map { ", weights from \($0.path)" } ?? ""
        remark(
            "Model: \(form(of: run.settings.model)); \(large(Double(run.trainer.task.model.parameterCount))) parameters\(weights)."
        )
        remark("Data: \(source.summary(run)).")
        remark("Training: \(training(run.settings, source.unit)).")
        remark("Output directory: \(path). Ctrl-C stops and saves; 'gpt train --resume \(shellWord(path))' continues.")
        try train(run)
    }

    private func resume<Source: ReportingSource>(
        _ run: SavedRun, _ source: Source, _ origin: DataOrigin, _ settings: TrainingSettings
    ) throws {
        let resumed = try run.resume(
            source, origin: origin, settings: settings, acceptingEdits: files.acceptEditedFiles, notice: remark)
        guard try beginResuming(run, resumed.trainer, settings) else { return }
        try train(resumed)
    }

    private func train<Source: ReportingSource>(_ run: TaskRun<Source>) throws {
        let path = run.directory?.path ?? ""
        let training = SupervisedTraining(run.trainer, run.tokenizer, path: path, isQuiet: quiet, isProfiled: profile)
        guard let outcome = try training.run({ try run.run(shouldStop: $0, report: training.report) }) else { return }
        training.remark(on: outcome.end)
        for line in try run.source.report(run) { try writeLine(line) }
        let ofStep = outcome.bestStep.map { ", best at step \(grouped($0))" } ?? ""
        try writeLine(
            "validation loss \(figure(outcome.result)) nats per \(run.source.target)\(extent(outcome.result, run.source.unit))"
                + "\(ofStep), trained in \(duration(outcome.seconds))")
        try writeLine("The model is in \(escaped(path)). \(run.source.use.words):")
        try writeLine("  \(run.source.use.command(shellWord(path)))")
        try training.writeProfile()
    }

    /// The length of the run and its settings, in words.
    /// - Parameter unit: what a batch consists of.
    private func training(_ settings: TrainingSettings, _ unit: String) -> String {
        let length =
            switch settings.length {
            case .steps(let steps): counted(steps, "step")
            case .minutes(let minutes): "\(fixed(minutes, 1)) minutes"
            }
        let batch = settings.accumulate > 1 ? "\(settings.accumulate) x \(settings.batch)" : "\(settings.batch)"
        return "\(length) of \(batch) \(unit)s, learning rate \(settings.schedule.peak), seed \(settings.seed), "
            + "\(settings.precision.rawValue) on \(TrainingRanks.current.processors)"
    }
}

/// What the command says of a task.
protocol ReportingSource: TaskSource {
    /// What a batch consists of: "text".
    var unit: String { get }
    /// What a loss is measured on: "masked token".
    var target: String { get }
    /// How the model is used.
    var use: (words: String, command: (String) -> String) { get }
    /// The data, in words.
    func summary(_ run: TaskRun<Self>) -> String
    /// The lines that show how good the best model of a run is. The trainer has that model.
    func report(_ run: TaskRun<Self>) throws -> [String]
}

extension MaskedSource: ReportingSource {
    var unit: String { "window" }
    var target: String { "masked token" }
    var use: (words: String, command: (String) -> String) {
        ("To train a classifier from it", { "gpt train --task classify --data FILE --from \($0)" })
    }

    func summary(_ run: TaskRun<Self>) -> String {
        let data = run.trainer.task.data
        return "\(data.documents.map(\.name).joined(separator: ", ")); \(grouped(data.trainingCount)) training tokens, "
            + "\(grouped(data.validationCount)) validation tokens, vocabulary of \(grouped(run.tokenizer.vocabularySize)) "
            + "(\(run.tokenizer.kind))"
    }

    func report(_ run: TaskRun<Self>) throws -> [String] {
        let sample = try run.trainer.task.sample(step: run.trainer.progress.step, length: 60) { false }
        return ["Masked words of the validation text, as the model fills them in:", ""]
            + (sample ?? "").split(separator: "\n").map { escaped(String($0)) } + [""]
    }
}

extension LabelledSource: ReportingSource {
    var unit: String { "text" }
    var target: String { "text" }
    var use: (words: String, command: (String) -> String) {
        ("To classify the lines of a file", { "gpt classify \($0) --text FILE" })
    }

    func summary(_ run: TaskRun<Self>) -> String {
        let data = run.trainer.task.data
        let truncated =
            data.truncated > 0
            ? "; \(counted(data.truncated, "text")) of \(run.settings.sequenceLength) tokens or more, the rest left out"
            : ""
        return
            "\(escaped(training.name)); \(grouped(data.training.count)) training texts, \(grouped(data.validation.count)) "
            + "validation texts, \(counted(data.labels.count, "label")), \(counted(data.meanLength, "token")) a text, vocabulary of "
            + "\(grouped(run.tokenizer.vocabularySize)) (\(run.tokenizer.kind))\(truncated)"
    }

    func report(_ run: TaskRun<Self>) throws -> [String] {
        let classifier = TextClassifier(run.trainer.task.encoder, tokenizer: run.tokenizer)
        let evaluation = try ClassifierEvaluation(classifier, on: validation)
        return ["\(counted(validation.examples.count, "validation text")), which the model has not learned from:", ""]
            + ClassifierReport(evaluation.score, baselines: ClassifierReport.Baselines(training, on: validation)).lines
            + [""]
    }
}

extension PairSource: ReportingSource {
    var unit: String { "pair" }
    var target: String { "token of a target" }
    var use: (words: String, command: (String) -> String) {
        ("To translate the lines of a file", { "gpt translate \($0) --text FILE" })
    }

    func summary(_ run: TaskRun<Self>) -> String {
        let data = run.trainer.task.data
        return "\(escaped(training.name)), \(escaped(training.columns.source)) to \(escaped(training.columns.target)); "
            + "\(grouped(data.training.count)) training pairs, \(grouped(data.validation.count)) validation pairs, "
            + "\(counted(data.meanLength, "token")) a pair, vocabulary of \(grouped(run.tokenizer.vocabularySize)) "
            + "(\(run.tokenizer.kind))" + (data.notice.map { ". \($0.dropLast())" } ?? "")
    }

    func report(_ run: TaskRun<Self>) throws -> [String] {
        let task = run.trainer.task
        let sample = try task.sample(step: run.trainer.progress.step, length: 300) { false }
        let translator = Translator(task.encoderDecoder, tokenizer: run.tokenizer)
        let evaluation = try TranslationEvaluation(translator, on: task.data) { share in
            if errorsAreTerminal { show("\revaluating: \(min(99, Int(100 * share)))%") }
        }
        if errorsAreTerminal { show("\r\u{1B}[K") }
        return ["Translations of validation pairs, which the model has not learned from:", ""]
            + (sample ?? "").split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) } + [""]
            + aligned(evaluation.table, left: [0, 1]) + [""]
    }
}
