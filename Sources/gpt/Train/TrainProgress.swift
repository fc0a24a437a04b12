import GPTKit

/// Shows the progress of a training run: as a bar on a terminal, otherwise as lines.
final class TrainProgress {
    private let settings: TrainingSettings
    private let isBar: Bool
    private let clock = ContinuousClock()
    private let begin: ContinuousClock.Instant
    private let earlierSeconds: Double
    private var lastShown: ContinuousClock.Instant

    private var loss: Double?
    private var validation: Double?
    private var step: Int
    private let firstStep: Int
    private var rate = 0.0

    /// - Parameter progress: the progress at which the training starts.
    init(_ settings: TrainingSettings, from progress: TrainingProgress) {
        self.settings = settings
        isBar = errorsAreTerminal
        begin = clock.now
        lastShown = begin - .seconds(1)
        earlierSeconds = progress.seconds
        step = progress.step
        firstStep = progress.step
        validation = progress.lastValue
    }

    func report(_ event: TrainingEvent) {
        switch event {
        case .step(let step, let loss, let tokensPerSecond):
            self.step = step
            rate = tokensPerSecond
            // The loss of single batches varies a lot, so a running mean over about 20 steps is shown.
            self.loss = self.loss.map { $0 + 0.05 * (loss - $0) } ?? loss
            if isBar {
                if clock.now - lastShown > .milliseconds(100) { drawBar() }
            } else if clock.now - lastShown > .seconds(30) {
                showLine()
            }
        case .evaluation(_, let value, _):
            validation = value
            showLine()
        case .sample(_, let text):
            guard isBar else { return }
            for line in text.split(separator: "\n").prefix(3) { show("\(clearing)    \(escaped(String(line)))\n") }
        case .finalEvaluation(let windows, let all):
            let part = windows < all ? "\(grouped(windows)) of \(grouped(all)) parts" : "all"
            if isBar { show("\(clearing)evaluating \(part) of the validation data ...") }
        }
    }

    /// Removes the bar, so that the line can be used for other output.
    func finish() {
        if isBar { show(clearing) }
    }

    // MARK: Output

    private let clearing = "\r\u{1B}[K"

    private func showLine() {
        lastShown = clock.now
        let words = [
            "step \(grouped(step))" + (settings.steps.map { " of \(grouped($0))" } ?? ""),
            loss.map { "loss \(fixed($0, 3))" }, validation.map { "validation \(fixed($0, 3))" },
            "\(grouped(Int(rate))) tokens/s", "\(timeLeft) left",
        ]
        show((isBar ? clearing : "") + words.compactMap { $0 }.joined(separator: "  ") + "\n")
        if isBar { drawBar() }
    }

    private func drawBar() {
        lastShown = clock.now
        let length = 24, filled = Int(Double(length) * min(1, max(0, share)))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
        let words = [
            bar, "\(grouped(step))", loss.map { "loss \(fixed($0, 3))" }, "\(grouped(Int(rate))) tok/s",
            "\(timeLeft) left",
        ]
        show(clearing + words.compactMap { $0 }.joined(separator: "  "))
    }

    /// The completed fraction of the training.
    private var share: Double {
        switch settings.length {
        case .steps(let steps): Double(step) / Double(steps)
        case .minutes(let minutes): elapsed / (60 * minutes)
        }
    }

    private var elapsed: Double { earlierSeconds + (clock.now - begin) / .seconds(1) }

    private var timeLeft: String {
        let seconds: Double
        switch settings.length {
        case .steps(let steps):
            let perStep = (clock.now - begin) / .seconds(1) / Double(max(1, step - firstStep))
            seconds = perStep * Double(steps - step)
        case .minutes(let minutes): seconds = 60 * minutes - elapsed
        }
        let whole = Int(max(0, min(seconds, 1e8)).rounded())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return whole < 3600
            ? "\(whole / 60):\(two(whole % 60))" : "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
    }
}
