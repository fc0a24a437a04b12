extension TrainingSettings {
    /// Shortens a warm-up that would not end within the run to a tenth of its steps, so that the learning rate reaches
    /// its peak. If the length is given in minutes, the number of steps is not known, and nothing changes.
    /// - Parameter name: the name of the model, where there are several.
    /// - Returns: the change in a sentence; nil if there is none.
    mutating func fitWarmup(of name: String? = nil) -> String? {
        guard model.kind.isTrained, case .steps(let steps) = length, schedule.warmupSteps >= steps else { return nil }
        let given = schedule.warmupSteps
        schedule.warmupSteps = steps / 10
        guard given != schedule.warmupSteps else { return nil }
        let model = name.map { " of \($0)" } ?? ""
        return
            "The warmup\(model) is shortened from \(given) to \(Self.steps(schedule.warmupSteps)), because the run has "
            + "only \(Self.steps(steps))."
    }

    private static func steps(_ count: Int) -> String { count == 1 ? "1 step" : "\(count) steps" }
}

extension Trainer {
    /// If the length was given in minutes, and they passed before the warm-up was over: how far the learning rate came,
    /// in a sentence. Otherwise nil.
    public var unfinishedWarmup: String? {
        guard case .minutes = settings.length, isOver, progress.step <= settings.schedule.warmupSteps else {
            return nil
        }
        return
            "The run ended at step \(progress.step) of its warmup of \(settings.schedule.warmupSteps) steps, so the "
            + "learning rate did not reach its peak."
    }
}
