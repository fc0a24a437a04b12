import Files
import Interchange
import StrictJSON
import TestSupport
import Testing
import Training

/// What lies in a run's directory may have been written by anyone.
@Suite("Runs that were tampered with, or killed at a bad moment")
struct HostileRunTests {
    let directory = TemporaryDirectory()
    var path: String { directory.file("run") }
    private var latest: String { path + "/training/latest.safetensors" }

    /// A run that stopped after `steps` steps.
    private func begin(_ settings: TrainingSettings = TinyRuns.settings(steps: 40), steps: Int = 5) throws {
        let trainer = try TinyRuns.run(settings, in: path)
        _ = try trainer.run(shouldStop: { trainer.progress.step >= steps })
    }

    private func resume(_ change: (inout TrainingSettings) -> Void = { _ in }) throws -> Trainer<NextTokenTask> {
        let run = try SavedRun(path)
        var settings = run.settings
        change(&settings)
        return try #require(try run.resume([TinyRuns.text], origin: run.origin, settings: settings).trainer)
    }

    /// Writes the checkpoint anew, with a checksum that is right.
    private func alter(_ change: (inout Checkpoint) -> Void) throws {
        var checkpoint = try Checkpoint(path: latest)
        change(&checkpoint)
        let trainer = try TinyRuns.trainer(TinyRuns.settings(steps: 1))
        try checkpoint.write(to: latest, optimizer: trainer.optimizer, moments: trainer.withBytes(of:_:))
    }

    @Test("A checkpoint of a model too large for the machine is refused before memory is taken for it")
    func tooLarge() throws {
        try begin()
        try alter {
            $0.settings = $0.settings.with { ($0.width, $0.layers) = (1 << 20, 4096) }
        }
        do {
            _ = try resume()
            Issue.record("it was resumed")
        } catch let error as TrainingError {
            guard case .tooLarge = error else { throw error }
        }
    }

    @Test(
        "Counters that would overflow are refused",
        arguments: [
            (\.step, 1_000_000_001), (\.lossCount, .max), (\.evaluationsSinceBest, .max), (\.evaluations, .max),
            (\.step, -1), (\.lossCount, -1), (\.evaluationsSinceBest, -1),
        ] as [(WritableKeyPath<TrainingProgress, Int> & Sendable, Int)])
    func counters(_ counter: WritableKeyPath<TrainingProgress, Int> & Sendable, _ value: Int) throws {
        try begin()
        try alter { $0.progress[keyPath: counter] = value }
        #expect(throws: TrainingError.self) { try SavedRun(path) }
    }

    @Test("So are steps that cannot be", arguments: [-1, .max])
    func steps(_ value: Int) throws {
        for step: WritableKeyPath<TrainingProgress, Int?> in [\.bestStep, \.evaluatedStep, \.evaluationWindows] {
            var progress = TrainingProgress()
            progress[keyPath: step] = value
            #expect(throws: MalformedRecord.self) { try TrainingProgress(progress.json) }
        }
    }

    @Test("Lines of metrics.csv that no run writes are passed over, and the curve is drawn")
    func metrics() throws {
        try begin(steps: 21)
        let file = path + "/training/metrics.csv"
        let sound = try TextFile.read(file)
        let lines = ["nan,1", "inf,1", "-inf,", ",nan", ",inf", "1e300,1", "-1e300,1"].map { "3,\($0),1,1,1,1,1\n" }
        try AtomicFile.write(
            sound + lines.joined() + "-5,1,1,1,1,1,1,1\n3,1,1,nan,1,1,1,1\n3,1,1,1,inf,1,1,1\n", to: file)
        let trainer = try resume { $0.length = .steps(22) }
        #expect(trainer.metrics.csv == sound)
        _ = try trainer.run()
        #expect(trainer.progress.step == 22)
    }

    @Test("A loss that is finite but huge is drawn, too", arguments: [1e300, -1e300, 1.7e308])
    func hugeLoss(_ sum: Double) throws {
        try begin(steps: 21)
        try alter {
            $0.progress.lossSum = sum
            $0.progress.lossCount = 1
        }
        let trainer = try resume { $0.length = .steps(22) }
        _ = try trainer.run()
        #expect(trainer.progress.step == 22)
    }

    // MARK: Killed

    @Test(
        "A run killed before its first save was whole leaves remains, which make way for another",
        arguments: [
            ["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"],
            ["tokenizer.json", ".swift-gpt-temporary-1-0"], ["config.json", "training/metrics.csv"],
        ])
    func remains(_ names: [String]) throws {
        try Files.makeDirectory(path + "/training")
        for name in names { try directory.write([0x7B, 0x7D], to: "run/\(name)") }
        #expect(RunDirectory.occupant(of: path) == .incompleteSave)
        #expect(try RunDirectory.moveAside(path) == path + "-1")
        try begin()
    }

    @Test("Temporary files alone are no hindrance, and are removed")
    func temporaries() throws {
        try Files.makeDirectory(path)
        try directory.write([1], to: "run/.swift-gpt-temporary-1-0")
        #expect(RunDirectory.occupant(of: path) == nil)
        try begin()
        #expect(try !Files.contents(ofDirectory: path).contains { $0.hasPrefix(".") })
    }

    @Test("What a person put there is not taken for remains", arguments: ["notes.txt", "training/notes.txt"])
    func notRemains(_ name: String) throws {
        try Files.makeDirectory(path + "/training")
        try directory.write([1], to: "run/tokenizer.json")
        try directory.write([1], to: "run/\(name)")
        #expect(RunDirectory.occupant(of: path) == .other)
    }

    @Test("What is in a directory is told by the header of its checkpoint, not by reading the whole")
    func headerOnly() throws {
        try begin()
        var bytes = try TextFile.bytes(latest)
        bytes[bytes.count - 5] ^= 1
        try directory.write(bytes, to: "run/training/latest.safetensors")
        #expect(RunDirectory.occupant(of: path) == .unfinished)
        #expect(throws: SafetensorsError.self) { try SavedRun(path) }
    }

    /// Settings with which every evaluation is of all windows.
    private var wholeEvaluations: TrainingSettings {
        var settings = TinyRuns.settings(steps: 40)
        settings.evaluateEvery = 10
        return settings
    }

    /// As if the run had been killed between keeping the model of step 20 as the best and its save: the checkpoint is of
    /// step 11.
    private func killBeforeSave() throws {
        try begin(wholeEvaluations, steps: 11)
        let saved = try TextFile.bytes(latest)
        #expect(try SavedRun(path).progress.bestStep == 10)
        do {
            let trainer = try resume()
            _ = try trainer.run(shouldStop: { trainer.progress.step >= 21 })
            #expect(trainer.progress.bestStep == 20)
        }
        try directory.write(saved, to: "run/training/latest.safetensors")
    }

    @Test(
        "After a kill between best model and save, other settings still end with the loss of the weights that are kept")
    func bestOfAnotherFuture() throws {
        try killBeforeSave()
        // A rate at which everything is unlearnt, so no evaluation is better than the one before.
        let trainer = try resume {
            $0.schedule = LearningRateSchedule(peak: 1, warmupSteps: 0, shape: .constant)
            $0.length = .steps(30)
        }
        let before = try #require(trainer.progress.bestValue)
        #expect(try trainer.run() == .complete)
        let loss = trainer.model.evaluate(trainer.data.documents[0].validation).loss
        #expect(loss < before && trainer.progress.finalValue == loss)
        #expect(trainer.bestStep == 20 && trainer.progress.bestStep == 10)
        let kept = try ModelDirectory.load(path).languageModel
        #expect(kept.evaluate(trainer.data.documents[0].validation).loss == loss)
    }

    @Test("After the same kill, unchanged settings end with the bits of a run that was left alone")
    func replayed() throws {
        try killBeforeSave()
        let trainer = try resume()
        _ = try trainer.run()
        let whole = try TinyRuns.run(wholeEvaluations, in: directory.file("whole"))
        _ = try whole.run()
        #expect(trainer.bits == whole.bits && trainer.clocklessMetrics == whole.clocklessMetrics)
        for name in ["model.safetensors", "training/samples.txt"] {
            #expect(try TextFile.bytes("\(path)/\(name)") == TextFile.bytes(directory.file("whole/\(name)")))
        }
    }
}
