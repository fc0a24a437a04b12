/// A line of metrics.csv: what was measured after a step.
public struct MetricsRow: Sendable, Equatable {
    public var step: Int
    /// The mean over the steps since the line before, in nats per token.
    public var trainingLoss: Double?
    /// What a validation measured.
    public var validation: Double?
    public var learningRate: Double
    public var gradientNorm: Double
    /// Tokens learnt from so far, repetitions included.
    public var tokens: Int
    /// The clock columns: only these differ from one run with the same seed to the next.
    public var seconds: Double
    public var tokensPerSecond: Double
}

/// The whole of metrics.csv.
public struct Metrics: Sendable, Equatable {
    public var rows: [MetricsRow] = []

    /// Steps between lines, evaluations aside.
    static let interval = 10

    /// No number of a line is larger, in either direction.
    private static let largest = 1e30

    static let header =
        "step,training_loss,validation_loss,learning_rate,gradient_norm,tokens,seconds,tokens_per_second"

    public init() {}

    /// The file's text. Numbers are written so that they read back to the same bits.
    public var csv: String {
        var text = Self.header + "\n"
        for row in rows {
            let numbers: [String] = [
                "\(row.step)", row.trainingLoss.map { "\($0)" } ?? "", row.validation.map { "\($0)" } ?? "",
                "\(row.learningRate)", "\(row.gradientNorm)", "\(row.tokens)",
                "\((row.seconds * 1000).rounded() / 1000)", "\(row.tokensPerSecond.rounded())",
            ]
            text += numbers.joined(separator: ",") + "\n"
        }
        return text
    }

    /// Reads the lines up to a step, and passes over those that no run writes; what is after it belongs to steps that were lost and will be made again.
    init(csv: String, upTo step: Int) {
        for line in csv.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == 8, let number = Int(fields[0]), (0...max(0, step)).contains(number),
                let rate = Double(fields[3]), let norm = Double(fields[4]), let tokens = Int(fields[5]), tokens >= 0,
                let seconds = Double(fields[6]), let tokensPerSecond = Double(fields[7])
            else { continue }
            let training = Double(fields[1]), validation = Double(fields[2])
            let numbers = [rate, norm, seconds, tokensPerSecond, training ?? 0, validation ?? 0]
            guard numbers.allSatisfy({ abs($0) <= Self.largest }) else { continue }
            rows.append(
                MetricsRow(
                    step: number, trainingLoss: training, validation: validation,
                    learningRate: rate, gradientNorm: norm, tokens: tokens, seconds: seconds,
                    tokensPerSecond: tokensPerSecond))
        }
    }
}
