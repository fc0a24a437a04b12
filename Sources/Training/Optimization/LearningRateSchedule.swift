import Platform

/// The learning rate as a function of the training progress.
///
///     warm-up:   peak (step + 1) / (warm-up steps + 1)                                  while step < warm-up steps
///     cosine:    peak (0.1 + 0.9 (1 + cos(pi progress)) / 2)                            from peak to a tenth of it
///     linear:    peak (1 - progress)                                                    from peak to 0
///     constant:  peak
///
/// Progress increases from 0 at the end of the warm-up to 1 at the end of training. If the length of the training is
/// given in minutes, progress is the elapsed fraction of this time.
public struct LearningRateSchedule: Sendable, Equatable {
    /// The shape of the schedule after the warm-up.
    public enum Shape: String, Sendable, CaseIterable {
        case cosine, linear, constant
    }

    public var peak: Double
    /// The number of steps in which the rate rises to its peak. `TrainingRun` shortens a warm-up that would not end within
    /// its run; a `Trainer` by itself follows the schedule exactly.
    public var warmupSteps: Int
    public var shape: Shape

    public init(peak: Double, warmupSteps: Int, shape: Shape = .cosine) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.shape = shape
    }

    /// The learning rate of a step, counted from 0, in a training run of `steps` steps.
    public func rate(step: Int, of steps: Int) -> Double {
        rate(step: step, progress: Double(step - warmupSteps) / Double(max(1, steps - warmupSteps)))
    }

    /// The learning rate of a step, with `progress` from 0 to 1.
    public func rate(step: Int, progress: Double) -> Double {
        if step < warmupSteps { return peak * Double(step + 1) / Double(warmupSteps + 1) }
        switch shape {
        case .constant: return peak
        case .linear: return peak * (1 - min(1, max(0, progress)))
        case .cosine: return peak * (0.1 + 0.9 * 0.5 * (1 + cos(.pi * min(1, max(0, progress)))))
        }
    }
}
