import GPTKit

/// Shows the progress of a training run: as one line that is updated on a terminal, otherwise as a line every 30
/// seconds.
final class ComparisonProgress {
    private let name: String
    private let settings: TrainingSettings
    private let begin = ContinuousClock.now
    private var lastShown = ContinuousClock.now

    init(_ name: String, _ settings: TrainingSettings) {
        self.name = name
        self.settings = settings
        if errorsAreTerminal { return }
        switch settings.length {
        case .steps(let steps): note("training \(name) for \(counted(steps, "step"))")
        case .minutes(let minutes): note("training \(name) for \(duration(60 * minutes))")
        }
    }

    func report(_ event: TrainingEvent) {
        guard case .step(let step, let loss, let rate) = event,
            ContinuousClock.now - lastShown > (errorsAreTerminal ? .milliseconds(100) : .seconds(30))
        else { return }
        lastShown = .now
        let elapsed = (lastShown - begin) / .seconds(1)
        let left: Double
        switch settings.length {
        case .steps(let steps): left = elapsed / Double(step) * Double(steps - step)
        case .minutes(let minutes): left = 60 * minutes - elapsed
        }
        let line =
            "\(name): step \(grouped(step)), loss \(fixed(loss, 3)), \(grouped(Int(rate))) tokens/s, "
            + "\(duration(max(0, left))) left"
        show(errorsAreTerminal ? "\r\u{1B}[K" + line : line + "\n")
    }

    func finish() {
        if errorsAreTerminal { show("\r\u{1B}[K") }
    }
}
