import ArgumentParser
import GPTKit

/// Runs a trainer with a progress bar. During training a signal stops the run after the current step and saves it. Before and
/// after training a signal ends the process at once, because nothing or everything has been written.
struct SupervisedTraining<Task: TrainingTask> {
    private let trainer: Trainer<Task>
    private let tokenizer: any Tokenizer
    private let path: String
    /// The progress bar; nil if no progress is shown.
    private let shown: TrainProgress?
    private let isQuiet: Bool
    /// The peak of this machine, if the steps are profiled.
    private let peak: Double?

    /// - Parameters:
    ///   - trainer: the trainer.
    ///   - tokenizer: the tokenizer of the data.
    ///   - path: the directory of the run.
    ///   - isQuiet: whether no progress is shown.
    ///   - isProfiled: whether the time of the steps is measured by operation.
    init(_ trainer: Trainer<Task>, _ tokenizer: any Tokenizer, path: String, isQuiet: Bool, isProfiled: Bool) {
        self.trainer = trainer
        self.tokenizer = tokenizer
        self.path = path
        self.isQuiet = isQuiet
        shown = isQuiet ? nil : TrainProgress(trainer.settings, from: trainer.progress)
        peak =
            isProfiled
            ? Execution.with(trainer.settings.precision) { Execution.current.measuredPeak(seconds: 0.5) } : nil
        if isProfiled { trainer.profile = Profile() }
    }

    /// Shows an event of the training.
    func report(_ event: TrainingEvent) { shown?.report(event) }

    /// Trains.
    /// - Parameter body: trains, with a function that says whether to stop, and reports events to `report`.
    /// - Returns: what `body` returns; nil if it was stopped.
    func run<Outcome>(_ body: (() -> Bool) throws -> Outcome?) throws -> Outcome? {
        try TrainingRanks.current.join(trainer, tokenizer)
        let outcome: Outcome?
        do {
            outcome = try StopSignal.deferring(body)
        } catch {
            shown?.finish()
            throw error
        }
        shown?.finish()
        if outcome == nil {
            let of = trainer.settings.steps.map { " of \(grouped($0))" } ?? ""
            note("Stopped after step \(grouped(trainer.progress.step))\(of); the run is saved.")
            note("Continue with: gpt train --resume \(shellWord(path))")
        }
        // This also applies if the signal came too late to stop the training: what follows the training is omitted.
        if let signal = StopSignal.received {
            try table?.write()
            throw ExitCode(128 + signal)
        }
        return outcome
    }

    /// Prints how the training ended, unless it ended as planned.
    func remark(on end: TrainingEnd) {
        guard !isQuiet else { return }
        if end == .patience {
            note(
                "Stopped early: the \(trainer.task.measure.name) has not improved for "
                    + "\(counted(trainer.settings.patience, "evaluation")).")
        }
        if let line = trainer.unfinishedWarmup { note(line) }
    }

    private var table: ProfileTable? {
        guard let peak else { return nil }
        return trainer.profile.map { ProfileTable($0, peakFlops: peak) }
    }

    /// Writes the time per step by operation, if it was measured.
    func writeProfile() throws {
        guard let table else { return }
        try writeLine()
        try table.write()
    }
}

extension TrainCommand {
    /// Says how a run is resumed.
    /// - Returns: whether there is anything left to train.
    func beginResuming<Task>(_ run: SavedRun, _ trainer: Trainer<Task>, _ settings: TrainingSettings) throws -> Bool {
        if trainer.isOver, run.isComplete(with: settings) {
            if profile {
                throw CommandFailure(
                    "the run in \(run.path) is complete, so there is no step for --profile to measure; leave it out, or also give "
                        + "a larger --steps or --minutes")
            }
            note(
                "The run in \(run.path) is complete (\(counted(run.progress.step, "step"))); "
                    + "to train it further, give a larger --steps or --minutes.")
            return false
        }
        remark("Resuming from step \(grouped(trainer.progress.step)).")
        if let set = trainer.progress.instructionSet, set != Execution.current.instructionSet {
            note(
                "The previous steps were computed with \(set.rawValue) instructions, the next ones with "
                    + "\(Execution.current.instructionSet.rawValue): the weights will not be bit-identical to those of an "
                    + "uninterrupted run."
            )
        }
        return true
    }
}
