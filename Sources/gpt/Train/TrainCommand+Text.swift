import ArgumentParser
import Files
import GPTKit

// Training on a text.
extension TrainCommand {
    /// A new run.
    func trainOnText() throws {
        let start = try from.map { try StartingModel($0, acceptingEdits: files.acceptEditedFiles) }
        if let start { try requireEffects(on: start.specification.kind, "fine-tune \(start.path)") }
        var settings = try settings(from: start)
        if let problem = settings.problem { throw problem }
        let ranks = TrainingRanks.current
        if !usesRecipe { try ranks.share(&settings, quiet: quiet) }
        try requireFreeDirectory()
        let (texts, origin) = try text.read(longFrom: TextSource.longTextLength, remark: remark)
        try text.requireEffect(on: texts)
        if let directory = texts.lazy.compactMap(\.prepared).first { try requireEffects(on: directory, &settings) }
        settings.joinsTexts = texts.count > 1
        var choices: [String] = []
        let run = try TrainingRun(
            settings, texts: texts, origin: origin, startingFrom: start,
            refine: { settings, textTokens, vocabularySize in
                guard usesRecipe else { return }
                choices = applyRecipe(&settings, textTokens: textTokens, vocabularySize: vocabularySize, ranks)
                try ranks.share(&settings, quiet: quiet)
            }, directory: { try freeNameOfRun() }, notice: remark)
        if settings.documentSeparator == nil,
            let (token, name) = text.plainSpecialToken(in: texts, run.tokenizer, run.data)
        {
            note(
                "\(specialTokenAsText(token, in: name)) If it separates documents, --document-separator '\(token.text)' makes "
                    + "it the token that ends each.")
        }
        for choice in choices { remark(choice) }
        if let model = run.trainer?.model { describe(run, parameters: model.parameterCount) }
        try train(run, origin: origin)
    }

    /// Rejects options that have no effect on texts that were encoded ahead of time. Without --tokenizer, theirs is used.
    private func requireEffects(on directory: TokenDirectory, _ settings: inout TrainingSettings) throws {
        func failure(_ option: String) -> CommandFailure {
            CommandFailure(
                "\(escaped(directory.path)) was encoded ahead of time, which decides \(option); leave it out")
        }
        if documents.separator != nil { throw failure("--document-separator") }
        if text.validation ?? directory.validation != directory.validation { throw failure("--validation") }
        switch try tokenizer.choice() {
        case nil: settings.tokenizer = .file(Files.absolute(directory.path))
        case .file, .published, .bytes: break
        case .characters, .bytePairs, .wordPiece: throw failure("--tokenizer")
        }
    }

    /// A resumed run.
    func resumeText(_ run: SavedRun) throws {
        let path = run.path
        if let option = table.given.first?.option {
            throw CommandFailure("cannot resume \(path): it was trained on a text; leave out \(option)")
        }
        var settings = run.settings
        try requireEffects(on: settings.model.kind, "resume \(path)")
        if let kind = shape.model, kind != settings.model.kind {
            // `resume` rejects this change.
            settings.model = DefaultSettings.settings(for: kind).model
        }
        try apply(to: &settings)
        if let problem = settings.problem { throw TrainingError.invalid(problem) }

        guard case .texts(let recorded) = run.origin else {
            throw TrainingError.changed(directory: path, what: "its record of the text is damaged")
        }
        let origin = text.text.isEmpty ? recorded : .files(text.text)
        if case .files(let paths) = origin, text.text.isEmpty, paths.contains("-") {
            throw TrainingError.changed(
                directory: path, what: "its text was read from standard input; give the same text with --text")
        }
        let texts = try origin.texts(longFrom: TextSource.longTextLength, notice: remark) {
            remark("Downloading tiny Shakespeare ...")
        }
        let resumed = try run.resume(
            texts, origin: .texts(origin), settings: settings, acceptingEdits: files.acceptEditedFiles, notice: remark)
        guard let trainer = resumed.trainer else { return }
        guard try beginResuming(run, trainer, settings) else { return }
        try train(resumed, origin: origin)
    }

    private func train(_ run: TrainingRun, origin: TextOrigin) throws {
        let path = run.directory?.path ?? ""
        guard let trainer = run.trainer else {
            // An n-gram model has nothing to save before it is complete, so a signal ends the process at once.
            guard let outcome = try run.run() else { return }
            return try TrainResult(run: run, outcome: outcome, path: path, origin: origin).write()
        }
        let training = SupervisedTraining(trainer, run.tokenizer, path: path, isQuiet: quiet, isProfiled: profile)
        guard let outcome = try training.run({ try run.run(shouldStop: $0, report: training.report) }) else { return }
        training.remark(on: outcome.end)
        try TrainResult(run: run, outcome: outcome, path: path, origin: origin).write()
        try training.writeProfile()
    }

    /// Prints a description of the run before it starts.
    private func describe(_ run: TrainingRun, parameters: Int) {
        let (settings, data, tokenizer) = (run.settings, run.data, run.tokenizer)
        let path = run.directory?.path ?? ""
        let names = data.documents.map(\.name).joined(separator: ", ")
        // The reserved token does not occur in the text.
        let different = tokenizer.vocabularySize - (tokenizer.endOfText == nil ? 0 : 1)
        let weights = from.map { ", weights from \($0)" } ?? ""
        remark("Model: \(form(of: settings.model)); \(large(Double(parameters))) parameters\(weights).")
        remark(
            "Text: \(names); \(grouped(data.trainingCount)) training tokens, \(grouped(data.validationCount)) validation "
                + "tokens, \(grouped(different)) distinct (\(tokenizer.kind))."
        )
        let length =
            switch settings.length {
            case .steps(let steps): counted(steps, "step")
            case .minutes(let minutes): "\(fixed(minutes, 1)) minutes"
            }
        let windows = settings.accumulate > 1 ? "\(settings.accumulate) x \(settings.batch)" : "\(settings.batch)"
        remark(
            "Training: \(length) of \(windows) windows of \(settings.sequenceLength), learning rate \(settings.schedule.peak), "
                + "seed \(settings.seed), \(settings.precision.rawValue) on \(TrainingRanks.current.processors)."
        )
        remark("Output directory: \(path). Ctrl-C stops and saves; 'gpt train --resume \(shellWord(path))' continues.")
    }
}
