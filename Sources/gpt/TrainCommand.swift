import ArgumentParser
import GPTKit

/// `gpt train`: from a text to a model.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a model on a text.",
        discussion: """
            Without options it trains a small GPT on tiny Shakespeare, which takes about three minutes on two cores, \
            and shows what the model writes. With --text it learns from a text of yours.

              gpt train
              gpt train --text notes.txt --out notes --minutes 10
              gpt train --resume notes
              gpt train --text notes.txt --tokenizer bpe:1024
              gpt train --family qwen3 --heads 8 --kv-heads 2
              gpt train --from notes --text letters.txt --out letters

            What is made is the directory of a model as Hugging Face's libraries read it, which holds the best model by \
            validation loss; in its folder 'training' are the last state, from which --resume goes on bit by bit, the \
            settings, metrics.csv, loss.svg and samples.txt. Ctrl-C stops after the step, and nothing is lost.
            """)

    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Text") var tokenizer: TokenizerOptions
    @OptionGroup(title: "Model") var shape: ShapeOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    @Option(
        help: ArgumentHelp(
            "The directory to make. One that exists is never overwritten; without this option it is 'model', and a model "
                + "of that name from before is renamed to model-1, model-2 and so on.",
            valueName: "directory"))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Continue the run in this directory. \(TrainingSetting.resumption)",
            valueName: "directory"))
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "Begin with the weights of this model instead of random ones, on another text or another course: a new run, in "
                + "a directory of its own. Shape and tokenizer are the model's; the learning rate is a tenth of what it is "
                + "otherwise.",
            valueName: "model"))
    var from: String?

    @Flag(help: "Show no progress, only the result.")
    var quiet = false

    @Flag(
        help: ArgumentHelp(
            "At the end, print where a step's time went, op by op.",
            discussion: """
                Of each op, forward and backward, and of the rest of a step: milliseconds, the share of the step, and for \
                those that multiply matrices GFLOP/s and the share of what the machine can do, measured before training.
                """))
    var profile = false

    static let defaultName = "model"

    func validate() throws {
        if training.steps != nil, training.minutes != nil {
            throw ValidationError("Give either --steps or --minutes, not both.")
        }
        if resume != nil, out != nil {
            throw ValidationError("A resumed run stays in its directory: give either --resume or --out, not both.")
        }
        if from != nil {
            if resume != nil {
                throw ValidationError(
                    "--resume goes on with a run and --from begins a new one: give either, not both.")
            }
            if let option = shape.given.first {
                throw ValidationError("A model that is gone on from keeps its shape: leave out \(option), or --from.")
            }
            if tokenizer.tokenizer != nil {
                throw ValidationError(
                    "A model that is gone on from keeps its tokenizer: leave out --tokenizer, or --from.")
            }
        }
        if resume != nil, shape.preset != nil {
            throw ValidationError("A resumed run has a shape already: leave out --preset.")
        }
        if let kind = shape.model, kind != .gpt, shape.preset != nil {
            throw ValidationError("A preset is of a gpt: give either --preset or --model \(kind.rawValue), not both.")
        }
        try requireEffects()
        try requireName(out)
        try requireNames(resume, from)
        // Of a run that exists the shape is not known yet.
        var settings = resume == nil ? try settings(from: nil) : Recipe.settings(for: .gpt)
        training.apply(to: &settings)
        if let problem = settings.problem { try checkingUsage { throw TrainingError.setting(problem) } }
    }

    /// Refuses options that have no effect on a model of the kind that was asked for. What kind a run or a model on disk is,
    /// is not known yet.
    private func requireEffects() throws {
        guard from == nil, resume == nil else { return }
        let kind = shape.model ?? .gpt
        if let option = (shape.given + training.given).first(where: { !TrainingSetting.hasEffect($0, on: kind) }) {
            throw ValidationError(
                "\(option) has no effect on a model of kind \(kind.rawValue): leave it out"
                    + (shape.model == nil ? "." : ", or --model \(kind.rawValue)."))
        }
        if kind == .ngram, profile {
            throw ValidationError("Counting has no steps to measure: leave out --profile, or --model ngram.")
        }
    }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                if let resume {
                    try resumeRun(resume)
                } else {
                    try newRun()
                }
            }
        }
    }

    // MARK: A new run

    private func settings(from start: StartingModel?) throws -> TrainingSettings {
        var settings = shape.preset?.settings ?? Recipe.settings(for: start?.shape.kind ?? shape.model ?? .gpt)
        start?.apply(to: &settings)
        shape.apply(to: &settings.shape)
        training.apply(to: &settings)
        if let share = text.validation { settings.validation = share }
        if let choice = try tokenizer.choice() { settings.tokenizer = choice }
        return settings
    }

    private func newRun() throws {
        let start = try from.map { try StartingModel($0, files) }
        let settings = try settings(from: start)
        if let problem = settings.problem { throw TrainingError.setting(problem) }
        if let out, let occupant = RunDirectory.occupant(of: out), occupant != .remains {
            throw TrainingError.directory(occupant.refusal(out))
        }
        let (texts, origin) = try text.read(remark: remark)
        let tokenizer =
            try start?.tokenizer ?? settings.tokenizer.make(for: texts, validation: settings.validation, remark: remark)
        let data = try TokenDataset(
            texts, tokenizer: tokenizer, validation: settings.validation,
            contextLength: settings.shape.kind == .ngram ? 1 : settings.shape.context)
        // After the text, so that its memory counts.
        try MemoryEstimate(settings, vocabularySize: tokenizer.vocabularySize).check()
        let path = try freeName()
        let directory = try RunDirectory(creating: path, tokenizer: tokenizer, data: data, origin: origin)
        let model =
            start?.model
            ?? settings.shape.makeNeuralModel(vocabularySize: tokenizer.vocabularySize, seed: settings.seed)
        guard let model else { return try count(data, tokenizer, settings, directory) }
        describe(settings, data, tokenizer, parameters: model.parameterCount, path: path)
        let trainer = try Trainer(model, data: data, settings: settings, tokenizer: tokenizer, store: directory)
        try train(trainer, tokenizer, path: path, origin: origin)
    }

    /// The name for the run, after whatever has it was renamed: a model only where no name was asked for.
    private func freeName() throws -> String {
        let name = out ?? Self.defaultName
        let occupant = RunDirectory.occupant(of: name)
        if out != nil, occupant != .remains { return name }
        switch occupant {
        case nil: break
        case .other: throw TrainingError.directory(RunDirectory.Occupant.other.refusal(name))
        case .model: note("The model that was in \(name) is now in \(try RunDirectory.moveAside(name)).")
        case .remains:
            let moved = try RunDirectory.moveAside(name)
            note("A run in \(name) never got to its first save; what is left of it is now in \(moved).")
        case .unfinished:
            let moved = try RunDirectory.moveAside(name)
            note("The unfinished run in \(name) is now in \(moved); 'gpt train --resume \(moved)' goes on with it.")
        }
        return name
    }

    /// Counting needs no training.
    private func count(
        _ data: TokenDataset, _ tokenizer: any Tokenizer, _ settings: TrainingSettings, _ directory: RunDirectory
    ) throws {
        let begin = ContinuousClock.now
        guard let (model, result) = try Counting.run(data, settings, vocabularySize: tokenizer.vocabularySize) else {
            return
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        try directory.save(counted: model, settings: settings, data: data, result: result, seconds: seconds)
        try TrainResult(
            model: model, tokenizer: tokenizer, data: data, settings: settings, result: result, step: nil,
            path: directory.path, origin: directory.origin, sample: nil, seconds: seconds
        ).write()
    }

    // MARK: A resumed run

    private func resumeRun(_ path: String) throws {
        let run = try SavedRun(path)
        var settings = run.settings
        if let kind = shape.model { settings.shape.kind = kind }
        shape.apply(to: &settings.shape)
        training.apply(to: &settings)
        if let share = text.validation { settings.validation = share }
        if let choice = try tokenizer.choice() { settings.tokenizer = choice }
        if let problem = settings.problem { throw TrainingError.setting(problem) }

        let origin = text.text.isEmpty ? run.origin : .files(text.text)
        if case .files(let paths) = origin, text.text.isEmpty, paths.contains("-") {
            throw TrainingError.changed(
                directory: path, what: "its text came from standard input; give it again with --text")
        }
        let texts = try origin.texts { remark("Fetching tiny Shakespeare ...") }
        let (trainer, _, tokenizer) = try run.resume(
            texts, origin: origin, settings: settings, acceptingEdits: files.acceptEditedFiles)
        if trainer.isOver, run.isComplete(with: settings) {
            if profile {
                throw CommandFailure(
                    "the run in \(path) is complete, so --profile has no step to measure; leave it out, or give a larger "
                        + "--steps or --minutes as well")
            }
            note(
                "The run in \(path) is complete (\(counted(run.progress.step, "step"))); "
                    + "to train it further give a larger --steps or --minutes.")
            return
        }
        remark("Going on from step \(grouped(trainer.progress.step)).")
        if let set = trainer.progress.instructionSet, set != Execution.current.instructionSet {
            note(
                "The steps so far were computed with \(set.rawValue), these will be with "
                    + "\(Execution.current.instructionSet.rawValue): the bits will not be those of an uninterrupted run."
            )
        }
        try train(trainer, tokenizer, path: path, origin: origin)
    }

    // MARK: Both

    /// Trains. During it a signal stops after the step, to save. Before and after it ends the process at once, because
    /// nothing or everything is written.
    private func train(_ trainer: Trainer, _ tokenizer: any Tokenizer, path: String, origin: TextOrigin) throws {
        let shown = quiet ? nil : TrainProgress(trainer.settings, from: trainer.progress)
        let peak =
            profile ? Execution.with(trainer.settings.precision) { Execution.current.measuredPeak(seconds: 0.5) } : 0
        if profile { trainer.profile = Profile() }
        var sample: String?
        let end: TrainingEnd
        do {
            end = try StopSignal.deferring { shouldStop in
                try trainer.run(shouldStop: shouldStop) { event in
                    if case .sample(_, let text) = event { sample = text }
                    shown?.report(event)
                }
            }
        } catch {
            shown?.finish()
            throw error
        }
        shown?.finish()
        if end == .stopped {
            let of = trainer.settings.steps.map { " of \(grouped($0))" } ?? ""
            note("Stopped after step \(grouped(trainer.progress.step))\(of); everything is saved.")
            note("Go on with: gpt train --resume \(path)")
        }
        let table = trainer.profile.map { ProfileTable($0, peakFlops: peak) }
        // Also where the signal came too late to stop the training: the comparison is left out.
        if StopSignal.received != nil { try table?.write() }
        try stopIfAsked()
        if end == .patience {
            remark("The validation loss has not improved for \(counted(trainer.settings.patience, "evaluation")).")
        }
        try TrainResult(
            model: trainer.model, tokenizer: tokenizer, data: trainer.data, settings: trainer.settings,
            result: trainer.progress.final ?? ValidationResult(loss: .nan, windows: 0, allWindows: 0),
            step: trainer.bestStep, path: path, origin: origin, sample: sample,
            seconds: trainer.progress.seconds
        ).write()
        if let table {
            try writeLine()
            try table.write()
        }
    }

    private func stopIfAsked() throws {
        if let signal = StopSignal.received { throw ExitCode(128 + signal) }
    }

    /// Says what is going to happen.
    private func describe(
        _ settings: TrainingSettings, _ data: TokenDataset, _ tokenizer: any Tokenizer, parameters: Int, path: String
    ) {
        let shape = settings.shape
        let form =
            switch shape.kind {
            case .gpt:
                "a gpt (\(shape.transformer(vocabularySize: 1).family?.rawValue ?? "of no family")) of \(counted(shape.layers, "layer")), \(counted(shape.heads, "head")), \(shape.width) wide, "
                    + "context \(shape.context)"
            case .attention: "one head of attention, \(shape.width) wide, context \(shape.context)"
            default: "a bigram table"
            }
        let names = data.documents.map(\.name).joined(separator: ", ")
        // The reserved token is none of the text's.
        let different = tokenizer.vocabularySize - (tokenizer.endOfText == nil ? 0 : 1)
        let weights = from.map { ", weights from \($0)" } ?? ""
        remark("Model: \(form); \(large(Double(parameters))) parameters\(weights).")
        remark(
            "Text: \(names); \(grouped(data.trainingCount)) tokens to learn from, \(grouped(data.validationCount)) to "
                + "validate on, \(grouped(different)) different (\(tokenizer.kind))."
        )
        let length =
            switch settings.length {
            case .steps(let steps): counted(steps, "step")
            case .minutes(let minutes): "\(fixed(minutes, 1)) minutes"
            }
        let windows = settings.accumulate > 1 ? "\(settings.accumulate) x \(settings.batch)" : "\(settings.batch)"
        remark(
            "Training: \(length) of \(windows) windows of \(shape.context), learning rate \(settings.schedule.peak), "
                + "seed \(settings.seed), \(settings.precision.rawValue) on \(counted(Execution.current.threads, "thread"))."
        )
        remark("The model goes to \(path). Ctrl-C stops, 'gpt train --resume \(path)' goes on.")
    }

    /// A line on standard error, unless quiet.
    private func remark(_ line: String) {
        if !quiet { note(line) }
    }
}
