import Files
import GPTKit
import TestSupport
import Testing

/// What `gpt train` does with options that it cannot follow.
@Suite("Options of a resumed run")
struct ResumeOptionTests {
    let directory = TemporaryDirectory()

    init() throws { try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt") }

    private func train(_ arguments: [String]) throws -> CommandResult {
        try runCommand(["train"] + arguments, directory: directory.path)
    }

    private func begin() throws {
        let begun = try train(
            ["--text", "verse.txt", "--steps", "20", "--out", "run", "--quiet"] + TrainCommandTests.tiny)
        try #require(begun.status == 0, "\(begun.errorText)")
    }

    private static let otherPrecision = Precision.preferredForTraining == .float32 ? Precision.bfloat16 : .float32

    /// The option of each setting, and a value that is not the one of the run.
    static let other: [TrainingSetting.ID: (option: String, value: String)] = [
        .task: ("--task", "masked"), .labelSmoothing: ("--label-smoothing", "0.2"), .model: ("--model", "bigram"),
        .family: ("--family", "gpt2"), .keyValueHeads: ("--kv-heads", "1"),
        .positions: ("--positions", "sinusoidal"), .layers: ("--layers", "2"), .heads: ("--heads", "4"),
        .width: ("--width", "32"), .context: ("--context", "16"), .order: ("--order", "5"),
        .tokenizer: ("--tokenizer", "byte"), .validation: ("--validation", "0.2"),
        .documentSeparator: ("--document-separator", "x"), .specialTokens: ("--special", "allow"),
        .chatTemplate: ("--chat-template", "llama3"), .batch: ("--batch", "8"),
        .accumulate: ("--accumulate", "2"), .seed: ("--seed", "7"), .optimizer: ("--optimizer", "adamw"),
        .beta1: ("--beta1", "0.8"),
        .beta2: ("--beta2", "0.9"), .learningRate: ("--lr", "0.001"), .warmup: ("--warmup", "7"),
        .schedule: ("--schedule", "constant"), .dropout: ("--dropout", "0.2"),
        .precision: ("--precision", otherPrecision.rawValue), .weightDecay: ("--decay", "0.2"), .clip: ("--clip", "2"),
        .patience: ("--patience", "3"), .evaluationInterval: ("--evaluate-every", "3"),
        .saveInterval: ("--save-every", "4"), .finalEvaluation: ("--evaluate", "5"), .steps: ("--steps", "30"),
        .minutes: ("--minutes", "0.001"),
    ]

    /// The options of settings that a resumed run may change, or may not, as the help lists them.
    private func options(mayChange: Bool) throws -> String {
        try TrainingSetting.all.filter { $0.mayChange == mayChange }.flatMap(\.ids)
            .map { try #require(Self.other[$0]).option }.joined(separator: ", ")
    }

    @Test("Every setting is refused or obeyed as its table says, and the help says the same")
    func table() throws {
        try begin()
        let before = try TextFile.bytes(directory.file("run/training/latest.safetensors"))
        let help = try train(["--help"]).text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(help.contains("can be changed: \(try options(mayChange: true)), --threads."))
        #expect(help.contains("like the text: \(try options(mayChange: false))."))
        #expect(Set(TrainingSetting.all.flatMap(\.ids)) == Set(TrainingSetting.ID.allCases))
        for setting in TrainingSetting.all where !setting.mayChange {
            for id in setting.ids {
                let (option, value) = try #require(Self.other[id])
                for length in [[], ["--steps", "40"]] {
                    let result = try train(["--resume", "run", option, value, "--quiet"] + length)
                    #expect(result.status == 1 && result.errorLines.count == 1, "\(option): \(result.errorText)")
                    let reason =
                        setting.kinds.contains(.gpt) ? "\(setting.name) would change from" : "\(option) does not apply"
                    #expect(result.errorText.contains(reason), "\(result.errorText)")
                    #expect(result.errorText.contains(option))
                }
            }
        }
        #expect(try TextFile.bytes(directory.file("run/training/latest.safetensors")) == before)
        // All the others together.
        var all = ["--resume", "run", "--quiet"]
        let ofModel = TrainingSetting.all.filter { $0.mayChange && $0.kinds.contains(.gpt) }
        for id in ofModel.flatMap(\.ids) where id != .minutes {
            let (option, value) = try #require(Self.other[id])
            all += [option, value]
        }
        #expect(try train(all).status == 0)
        let settings = try SavedRun(directory.file("run")).settings
        #expect(settings.steps == 30 && settings.schedule.peak == 0.001 && settings.schedule.warmupSteps == 7)
        #expect(
            settings.schedule.shape == .constant && settings.dropout == 0.2 && settings.precision == Self.otherPrecision
        )
        #expect(settings.optimizer.weightDecay == 0.2 && settings.optimizer.clip == 2 && settings.patience == 3)
        #expect(settings.evaluateEvery == 3 && settings.saveEvery == 4 && settings.finalEvaluation == .windows(5))
    }

    @Test("On a complete run, what has no effect is refused, and what gives it more to do is done")
    func complete() throws {
        try begin()
        let before = try TextFile.bytes(directory.file("run/training/latest.safetensors"))
        for setting in TrainingSetting.all
        where setting.mayChange && !setting.reopensCompleteRun && setting.kinds.contains(.gpt) {
            let (option, value) = try #require(Self.other[setting.ids[0]])
            let result = try train(["--resume", "run", option, value])
            #expect(result.status == 1 && result.errorLines.count == 1, "\(option): \(result.errorText)")
            #expect(
                result.errorText.contains("a change of the \(setting.name) has no effect"), "\(result.errorText)")
            // Another evaluation takes no step either.
            let measured = try train(["--resume", "run", "--evaluate", "all", option, value])
            #expect(measured.status == 1 && measured.errorText.contains("has no effect"), "\(measured.errorText)")
        }
        let profile = try train(["--resume", "run", "--profile"])
        #expect(profile.status == 1 && profile.errorText.contains("--profile"))
        #expect(try TextFile.bytes(directory.file("run/training/latest.safetensors")) == before)
        // The values it has already are no change.
        let same = try train(["--resume", "run", "--steps", "20", "--batch", "4", "--width", "16"])
        #expect(same.status == 0 && same.errorText.contains("is complete"))
        let measured = try train(["--resume", "run", "--evaluate", "all", "--quiet"])
        #expect(measured.status == 0 && measured.text.contains("validation loss"))
        #expect(try train(["--resume", "run", "--warmup", "7", "--steps", "25", "--quiet"]).status == 0)
        #expect(try SavedRun(directory.file("run")).settings.schedule.warmupSteps == 7)
    }

    @Test(
        "Options that have no effect on a kind of model are refused",
        arguments: [
            (["--order", "5"], "--order"), (["--model", "bigram", "--layers", "2"], "--layers"),
            (["--model", "bigram", "--width", "8"], "--width"), (["--model", "attention", "--heads", "2"], "--heads"),
            (["--model", "ngram", "--steps", "5"], "--steps"), (["--model", "ngram", "--context", "8"], "--context"),
            (["--model", "ngram", "--seed", "2"], "--seed"),
            (["--model", "ngram", "--precision", "f32"], "--precision"),
            (["--resume", "run", "--preset", "char-small"], "--preset"),
            (["--evaluate", "0"], "windows"), (["--evaluate", "some"], "windows"),
        ])
    func noEffect(_ arguments: [String], _ words: String) throws {
        let result = try train(["--text", "verse.txt"] + arguments)
        #expect(result.status == 64 && result.text == "" && result.errorText.contains(words), "\(result.errorText)")
    }

    @Test(
        "So they are where models are compared",
        arguments: [
            ["--models", "ngram", "--steps", "5"], ["--models", "bigram", "--order", "5"],
            ["--models", "ngram,attention", "--width", "8"], ["--models", "ngram,bigram", "--layers", "2"],
        ])
    func noEffectOnAny(_ arguments: [String]) throws {
        let result = try runCommand(["compare", "--text", "verse.txt"] + arguments, directory: directory.path)
        #expect(result.status == 64 && result.errorText.contains("does not apply"), "\(result.errorText)")
    }
}
