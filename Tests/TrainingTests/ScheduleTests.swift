import Corpus
import Models
import TestSupport
import Testing
import Training

/// What becomes of a schedule that does not fit its run, or is gone on with, and that it is said.
@Suite("Schedules and runs")
struct ScheduleTests {
    // MARK: Warm-ups

    private func run(_ settings: TrainingSettings) throws -> (run: TrainingRun, notices: [String]) {
        var notices: [String] = []
        let run = try TrainingRun(settings, texts: [TinyRuns.text], origin: .builtIn, notice: { notices.append($0) })
        return (run, notices)
    }

    @Test(
        "A warm-up that would not end within the run is shortened to a tenth of it; any other stays",
        arguments: [
            (20, 100, 2), (20, 20, 2), (20, 19, 19), (20, 0, 0), (5, 100, 0), (1, 1, 0), (1, 0, 0), (100, 100, 10),
        ])
    func warmup(_ steps: Int, _ given: Int, _ expected: Int) throws {
        var settings = TinyRuns.settings(steps: steps)
        settings.schedule.warmupSteps = given
        settings.schedule.shape = .linear
        let (run, notices) = try run(settings)
        #expect(run.settings.schedule.warmupSteps == expected)
        #expect(notices.count == (given == expected ? 0 : 1))
        if let notice = notices.first {
            #expect(notice.contains("from \(given) to \(expected) step") && notice.contains("only \(steps) step"))
        }
        // The peak that is announced is reached.
        let trainer = try #require(run.trainer)
        var highest = 0.0
        _ = try trainer.run(report: { event in
            if case .step = event { highest = max(highest, trainer.progress.learningRate) }
        })
        #expect(highest == settings.schedule.peak)
    }

    @Test("A warm-up of a run in minutes stays, and that it did not end is said after the run")
    func minutes() throws {
        var settings = TinyRuns.settings(steps: 1)
        settings.length = .minutes(0.0005)
        settings.schedule.warmupSteps = 1_000_000
        let (run, notices) = try run(settings)
        #expect(notices.isEmpty && run.settings.schedule.warmupSteps == 1_000_000)
        #expect(run.trainer?.unfinishedWarmup == nil)
        _ = try run.run()
        #expect(run.trainer?.unfinishedWarmup?.contains("of its warmup of 1000000 steps") == true)
        settings.schedule.warmupSteps = 0
        let other = try self.run(settings).run
        _ = try other.run()
        #expect(other.trainer?.unfinishedWarmup == nil)
    }

    @Test("In a comparison the model is named")
    func comparison() throws {
        var settings = TinyRuns.settings(.bigram, steps: 20)
        settings.schedule.warmupSteps = 100
        var notices: [String] = []
        let comparison = try ModelComparison(
            [settings, TinyRuns.settings(.attention, steps: 20), TinyRuns.settings(.ngram, steps: 1)],
            tokenizers: [.characters], texts: [TinyRuns.text], origin: .builtIn, validation: 0.1
        ) { notices.append($0) }
        // That of the n-gram model is never used.
        #expect(notices.count == 1 && notices.first?.contains("warmup of bigram is shortened from 100 to 2") == true)
        #expect(comparison.runs.prefix(2).map(\.settings.schedule.warmupSteps) == [2, 3])
    }

    // MARK: Resumed runs

    /// What is said when a run of 20 steps, stopped after some, is resumed with changes.
    private func notices(
        stoppedAfter stop: Int = 20, _ shape: LearningRateSchedule.Shape = .cosine, warmup: Int = 3,
        changing change: (inout TrainingSettings) -> Void
    ) throws -> (notices: [String], settings: TrainingSettings) {
        var settings = TinyRuns.settings(steps: 20)
        settings.schedule.shape = shape
        settings.schedule.warmupSteps = warmup
        let directory = TemporaryDirectory()
        let path = directory.file("run")
        do {
            let trainer = try TinyRuns.run(settings, in: path)
            _ = try trainer.run(shouldStop: { trainer.progress.step >= stop && stop < 20 })
        }
        let saved = try SavedRun(path)
        var changed = saved.settings
        change(&changed)
        var notices: [String] = []
        let run = try saved.resume([TinyRuns.text], origin: saved.origin, settings: changed) { notices.append($0) }
        return (notices, run.settings)
    }

    @Test("A finished schedule that goes on jumps, and that is said with both rates and the reason")
    func finished() throws {
        let cosine = try notices { $0.length = .steps(40) }
        #expect(
            cosine.notices == [
                "The learning rate jumps from 0.001 to 0.00607 at step 21: the length changes from 20 steps to 40 steps."
            ])
        let linear = try notices(.linear) { $0.length = .steps(40) }.notices
        #expect(linear.count == 1 && linear.first?.contains("jumps from 0 to 0.00541 at step 21") == true)
        #expect(try notices(.constant) { $0.length = .steps(40) }.notices == [])
    }

    @Test("Each setting of the schedule is a reason, and only a jump is said")
    func reasons() throws {
        let both = try notices(stoppedAfter: 10) {
            $0.schedule.peak = 0.1
            $0.schedule.shape = .constant
        }
        #expect(both.notices.count == 1)
        #expect(both.notices.first?.contains("the learning rate changes from 0.01 to 0.1, the schedule") == true)
        for change: (inout TrainingSettings) -> Void in [
            { _ in }, { $0.patience = 5 }, { $0.length = .steps(21) }, { $0.schedule.peak = 0.0105 },
            { $0.dropout = 0.3 },
        ] {
            #expect(try notices(stoppedAfter: 10, changing: change).notices == [])
        }
    }

    @Test("A recorded warm-up stays where nothing of the schedule changes, and is shortened where it would not end")
    func recordedWarmup() throws {
        let same = try notices(stoppedAfter: 5, warmup: 100) { _ in }
        #expect(same.notices == [] && same.settings.schedule.warmupSteps == 100)
        let longer = try notices(stoppedAfter: 5, warmup: 100) { $0.length = .steps(40) }
        #expect(longer.settings.schedule.warmupSteps == 4 && longer.notices.count == 2)
        #expect(longer.notices.first?.contains("shortened from 100 to 4 steps") == true)
        #expect(longer.notices.last?.contains("the warmup changes from 100 steps to 4 steps") == true)
    }
}
