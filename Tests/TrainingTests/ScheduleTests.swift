import Corpus
import Models
import TestSupport
import Testing
import Training

/// What becomes of a schedule that is gone on with, and that it is said.
@Suite("Schedules and runs")
struct ScheduleTests {
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
}
