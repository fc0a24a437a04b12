import Corpus
import Files
import Interchange
import Models
import Platform
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// What is on the disk, and what is made of it again.
@Suite("Run directories")
struct RunDirectoryTests {
    /// Files under their names in a directory.
    private func contents(_ path: String, _ names: [String]) throws -> [[UInt8]] {
        try names.map { try TextFile.bytes("\(path)/\($0)") }
    }

    /// Goes on with a run to its end.
    private func resume(_ path: String, threads: Int = 1) throws -> Trainer<NextTokenTask> {
        let run = try SavedRun(path)
        let trainer = try #require(try run.resume([TinyRuns.text], origin: run.origin, settings: run.settings).trainer)
        _ = try Execution.$current.withValue(Execution(threads: threads)) { try trainer.run() }
        return trainer
    }

    @Test(
        "A run that was stopped anywhere and resumed ends with the bits of one that was not",
        arguments: [1, 5, 10, 19, 24, 31, 32], [1, 3])
    func resumed(_ stop: Int, _ threads: Int) throws {
        // Of each family in turn.
        let families = TransformerConfiguration.Family.allCases, family = families[stop % families.count]
        let directory = TemporaryDirectory()
        var settings = TinyRuns.settings(steps: 32)
        settings.model = TinyRuns.sized(.gpt(family, layers: 1, heads: 2, width: 16, context: 8))
        settings.evaluateEvery = 5
        settings.saveEvery = 3
        let whole = try TinyRuns.run(settings, in: directory.file("whole"))
        #expect(try whole.run() == .complete)

        // Asked to stop between two steps, or between the batches of the evaluation after them.
        do {
            let partial = try TinyRuns.run(settings, in: directory.file("partial"))
            let end = try Execution.$current.withValue(Execution(threads: threads)) {
                try partial.run(shouldStop: { partial.progress.step >= stop })
            }
            #expect(end == .stopped && partial.progress.step == stop)
        }
        let resumed = try resume(directory.file("partial"), threads: threads)
        #expect(resumed.bits == whole.bits)
        #expect(resumed.clocklessMetrics == whole.clocklessMetrics)
        #expect(resumed.samples == whole.samples)
        #expect(resumed.progress.finalValue == whole.progress.finalValue)
        let names = ["model.safetensors", "config.json", "tokenizer.json", "training/samples.txt"]
        #expect(try contents(directory.file("partial"), names) == contents(directory.file("whole"), names))
    }

    @Test("A step that is stopped between its batches is not taken, and made up for when resumed")
    func stoppedWithinAStep() throws {
        let directory = TemporaryDirectory()
        let settings = TinyRuns.settings(steps: 8)
        let whole = try TinyRuns.run(settings, in: directory.file("whole"))
        _ = try whole.run()
        do {
            let partial = try TinyRuns.run(settings, in: directory.file("partial"))
            // The question after the fifth step is answered no, and the next, between the batches of the sixth, yes.
            var countdown: Countdown?
            let end = try partial.run(shouldStop: { countdown?.isOver() ?? false }) { event in
                if case .step(5, _, _) = event { countdown = Countdown(1) }
            }
            #expect(end == .stopped && partial.progress.step == 5)
        }
        #expect(try resume(directory.file("partial")).bits == whole.bits)
    }

    @Test("A run cannot be gone on with to fewer steps than it has done")
    func fewerSteps() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 6), in: path).run() }
        let run = try SavedRun(path)
        var settings = run.settings
        settings.length = .steps(5)
        #expect(throws: TrainingError.self) {
            try run.resume([TinyRuns.text], origin: run.origin, settings: settings)
        }
    }

    @Test("Stopped in the middle of the last evaluation, it makes that when resumed", arguments: [1, 2, 3])
    func stoppedAtTheEnd(_ questions: Int) throws {
        let directory = TemporaryDirectory()
        var settings = TinyRuns.settings(steps: 24)
        settings.evaluateEvery = 4
        // So fast that the best model is not the last.
        settings.schedule = LearningRateSchedule(peak: 0.3, warmupSteps: 0, shape: .constant)
        let whole = try TinyRuns.run(settings, in: directory.file("whole"))
        _ = try whole.run()
        #expect(whole.progress.evaluationWindows ?? 0 < 12, "an evaluation on the way is of some windows only")
        do {
            let partial = try TinyRuns.run(settings, in: directory.file("partial"))
            var countdown: Countdown?
            let end = try partial.run(shouldStop: { countdown?.isOver() ?? false }) { event in
                if case .finalEvaluation = event { countdown = Countdown(questions - 1) }
            }
            #expect(end == .stopped && partial.progress.step == 24 && partial.progress.finalValue == nil)
            #expect(RunDirectory.occupant(of: directory.file("partial")) == .unfinished)
        }
        let resumed = try resume(directory.file("partial"))
        #expect(resumed.bits == whole.bits && resumed.progress.finalValue == whole.progress.finalValue)
        let names = ["model.safetensors", "training/samples.txt"]
        #expect(try contents(directory.file("partial"), names) == contents(directory.file("whole"), names))
    }

    @Test("Lines and samples of steps that were lost are cut back")
    func cutBack() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        var settings = TinyRuns.settings(steps: 40)
        settings.evaluateEvery = 4
        do { _ = try TinyRuns.run(settings, in: path).run(shouldStop: Countdown(300).isOver) }
        let before = try SavedRun(path).progress.step
        let saved = try contents(path, ["training/metrics.csv", "training/samples.txt"])
        // As if it had gone on for a while, and been killed before the next save.
        try AtomicFile.write(saved[0] + Array("999,1,1,1,1,1,1,1\n".utf8), to: path + "/training/metrics.csv")
        try AtomicFile.write(saved[1] + Array("lost".utf8), to: path + "/training/samples.txt")
        let run = try SavedRun(path)
        let trainer = try #require(
            try run.resume([TinyRuns.text], origin: run.origin, settings: run.settings).trainer)
        #expect(Array(trainer.metrics.csv.utf8) == saved[0])
        #expect(Array(trainer.samples.utf8) == saved[1])
        #expect(trainer.progress.step == before)
    }

    @Test("The directory is a model from the first moment on, and holds the best one at the end")
    func holdsTheBest() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        let trainer = try TinyRuns.run(TinyRuns.settings(steps: 30), in: path)
        var wasLoadable = false
        _ = try trainer.run(report: { event in
            if case .step(1, _, _) = event { wasLoadable = (try? ModelDirectory.load(path)) != nil }
        })
        #expect(wasLoadable)
        let best = try ModelDirectory.load(path)
        #expect(
            try best.languageModel.evaluate(trainer.data.documents[0].validation).loss == trainer.progress.finalValue)
        #expect(try best.tokenizer.vocabularySize == TinyRuns.tokenizer.vocabularySize)
        let names = try Files.contents(ofDirectory: path + "/training")
        #expect(names == ["latest.safetensors", "loss.svg", "metrics.csv", "samples.txt", "settings.json"])
    }

    @Test("A resume with another text, tokenizer or shape is refused and says which")
    func changed() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(5).isOver) }

        func refusal(_ texts: [NamedText] = [TinyRuns.text], _ change: (inout TrainingSettings) -> Void = { _ in })
            -> String
        {
            do {
                let run = try SavedRun(path)
                var settings = run.settings
                change(&settings)
                _ = try run.resume(texts, origin: run.origin, settings: settings)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal() == "none")
        #expect(
            refusal {
                $0.schedule.peak = 1; $0.length = .steps(50); $0.patience = 2; $0.dropout = 0
            } == "none")
        #expect(refusal([NamedText(name: "other.txt", text: TinyRuns.text.text + "x")]).contains("other.txt"))
        #expect(refusal([TinyRuns.text, TinyRuns.text]).contains("2"))
        #expect(refusal { $0 = $0.with { $0.width = 32 } }.contains("width"))
        #expect(refusal { $0 = $0.with { $0.layers = 2 } }.contains("layers"))
        #expect(refusal { $0.setContext(4) }.contains("context"))
        #expect(refusal { $0.model = .bigram(.init()) }.contains("model"))
        #expect(refusal { $0.tokenizer = .bytes }.contains("tokenizer"))
        #expect(refusal { $0.seed = 9 }.contains("seed"))
        #expect(refusal { $0.batch = 9 }.contains("batch"))
        #expect(refusal { $0.validation = 0.2 }.contains("validation"))

        let file = path + "/tokenizer.json"
        let original = try TextFile.read(file)
        try AtomicFile.write(TokenizerFile.contents(for: CharacterTokenizer(alphabetOf: ["abcdefghijklmno"])), to: file)
        #expect(refusal().contains("token"))
        try AtomicFile.write(original, to: file)
        #expect(refusal() == "none")
    }

    @Test("A checkpoint that was cut short or altered anywhere is refused, and nothing is written")
    func damaged() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(5).isOver) }
        let file = path + "/training/latest.safetensors"
        let sound = try TextFile.bytes(file)
        var generator = SeededGenerator(seed: 3)
        for round in 0..<40 {
            var damaged = mutated(sound, using: &generator)
            if round == 0 { damaged = Array(sound.prefix(sound.count / 2)) }
            if damaged == sound { continue }
            try directory.write(damaged, to: "run/training/latest.safetensors")
            #expect(throws: (any Error).self) { try SavedRun(path) }
            #expect(try TextFile.bytes(file) == damaged)
        }
        try directory.write(sound, to: "run/training/latest.safetensors")
        _ = try SavedRun(path)
    }

    @Test("A directory in use is refused, and free again when its run is over")
    func busy() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do {
            let trainer = try TinyRuns.run(TinyRuns.settings(steps: 4), in: path)
            _ = try trainer.run()
            #expect(throws: FileError.self) { try SavedRun(path) }
            #expect(throws: FileError.self) { try RunDirectory.moveAside(path) }
        }
        _ = try SavedRun(path)
    }

    @Test("A run begins only where nothing is, and an older one moves aside whole")
    func occupied() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        try Files.makeDirectory(path)
        #expect(RunDirectory.occupant(of: path) == nil)
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(3).isOver) }
        #expect(RunDirectory.occupant(of: path) == .unfinished)
        #expect(throws: TrainingError.self) { try TinyRuns.run(TinyRuns.settings(steps: 4), in: path) }
        do { _ = try resume(path) }
        #expect(RunDirectory.occupant(of: path) == .model)
        let model = try contents(path, ["model.safetensors"])
        #expect(try RunDirectory.moveAside(path) == path + "-1")
        #expect(RunDirectory.occupant(of: path) == nil)
        #expect(try contents(path + "-1", ["model.safetensors"]) == model)
        try Files.makeDirectory(path)
        try AtomicFile.write("mine", to: path + "/notes.txt")
        #expect(RunDirectory.occupant(of: path) == .other)
    }

    @Test("Weights without a save are remains where the first save is marked, and somebody's model where it is not")
    func remains() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(0).isOver) }
        #expect(!Files.exists(path + "/training/first-save"))
        #expect(RunDirectory.occupant(of: path) == .unfinished)
        // A killed process may also leave the mark beside the save.
        try AtomicFile.write("", to: path + "/training/first-save")
        #expect(RunDirectory.occupant(of: path) == .unfinished)
        try Files.remove(path + "/training/latest.safetensors")
        #expect(RunDirectory.occupant(of: path) == .incompleteSave)
        #expect(throws: TrainingError.self) { try SavedRun(path) }
        try AtomicFile.write("mine", to: path + "/notes.txt")
        #expect(RunDirectory.occupant(of: path) == .model)
        try Files.remove(path + "/notes.txt")
        try Files.remove(path + "/training/first-save")
        #expect(RunDirectory.occupant(of: path) == .model)
    }

    @Test("A run whose first save fails leaves nothing, and one that fails later its last save")
    func failingSaves() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("new/run")
        do {
            let trainer = try TinyRuns.run(TinyRuns.settings(steps: 4), in: path)
            // In the way of a file.
            try Files.makeDirectory(path + "/training/metrics.csv")
            #expect(throws: FileError.self) { try trainer.run() }
            rmdir(path + "/training/metrics.csv")
        }
        #expect(directory.contents.isEmpty)
        do {
            let trainer = try TinyRuns.run(TinyRuns.settings(steps: 4), in: path)
            #expect(throws: FileError.self) {
                try trainer.run(report: { event in
                    guard case .step(1, _, _) = event else { return }
                    try? Files.remove(path + "/training/metrics.csv")
                    try? Files.makeDirectory(path + "/training/metrics.csv")
                })
            }
            rmdir(path + "/training/metrics.csv")
        }
        #expect(try SavedRun(path).progress.step == 0)
    }

    @Test("A run that counts is a model, too, and has nothing to resume")
    func counted() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        let data = try TinyRuns.data()
        let size = TinyRuns.tokenizer.vocabularySize
        let (model, result) = try #require(try NGramBaseline.run(data, order: 5, vocabularySize: size))
        do {
            let run = try RunDirectory(
                creating: path, tokenizer: TinyRuns.tokenizer, record: data.record, origin: .texts(.builtIn))
            try run.save(
                counted: model, settings: DefaultSettings.settings(for: .ngram), data: data.record, result: result,
                seconds: 0)
        }
        let document = data.documents[0]
        let loaded = try ModelDirectory.load(path).languageModel
        let again = loaded.evaluate(document.validation, after: document.training[...], windows: nil) { false }
        #expect(again?.loss == result.value)
        #expect(throws: TrainingError.self) { try SavedRun(path) }
    }
}

/// Says stop when it has been asked a number of times.
final class Countdown {
    private var left: Int

    init(_ questions: Int) { left = questions }

    func isOver() -> Bool {
        left -= 1
        return left < 0
    }
}
