import Platform

extension TrainingSettings {
    /// The learning rate of the step that follows `progress`.
    func learningRate(after progress: TrainingProgress) -> Double {
        switch length {
        case .steps(let steps): schedule.rate(step: progress.step, of: steps)
        case .minutes(let minutes): schedule.rate(step: progress.step, progress: progress.seconds / (60 * minutes))
        }
    }

    /// Describes the jump of the learning rate in a run that continues with these settings instead of `old`.
    /// - Parameter progress: the progress of the run so far.
    /// - Returns: the jump and its reasons in a sentence; nil if the learning rate of the next step is about the same
    ///   as before, which means that it differs by a tenth or less.
    func learningRateJump(from old: TrainingSettings, after progress: TrainingProgress) -> String? {
        let before = old.learningRate(after: progress), now = learningRate(after: progress)
        guard abs(now - before) > 0.1 * before else { return nil }
        let reasons = differences(from: old).filter { !Self.idsOfSchedule.isDisjoint(with: $0.ids) }.map {
            "the \($0.name) changes from \($0.value(old)) to \($0.value(self))"
        }
        return "The learning rate jumps from \(Self.rounded(before)) to \(Self.rounded(now)) at step "
            + "\(progress.step + 1): \(reasons.joined(separator: ", "))."
    }

    /// The settings that determine the learning rate.
    private static let idsOfSchedule: Set<TrainingSetting.ID> = [.steps, .minutes, .learningRate, .warmup, .schedule]

    /// A rate with three significant digits.
    private static func rounded(_ rate: Double) -> String {
        guard rate > 0 else { return "0" }
        let digits = 2 - Int(floor(log10(rate)))
        // A power of ten with a negative exponent is not exact.
        let scale = pow(10, Double(abs(digits)))
        return "\(digits < 0 ? (rate / scale).rounded() * scale : (rate * scale).rounded() / scale)"
    }
}
