import Files

/// A row of metrics.csv: the measurements after a step.
public struct MetricsRow: Sendable, Equatable {
    public var step: Int
    /// The mean loss of the steps since the previous row, in nats per token.
    public var trainingLoss: Double?
    /// The result of a validation.
    public var validation: Double?
    public var learningRate: Double
    public var gradientNorm: Double
    /// The number of training tokens so far, including repetitions.
    public var tokens: Int
    /// The elapsed time and the speed. Only these two columns differ between runs with the same seed.
    public var seconds: Double
    public var tokensPerSecond: Double
}

/// The contents of metrics.csv.
public struct Metrics: Sendable, Equatable {
    public var rows: [MetricsRow] = []

    /// The number of steps between rows. Evaluations add further rows.
    static let interval = 10

    /// The largest magnitude of a number in a row.
    private static let largest = 1e30

    static let header =
        "step,training_loss,validation_loss,learning_rate,gradient_norm,tokens,seconds,tokens_per_second"

    public init() {}

    /// The contents of the file. Numbers are written so that reading them gives the same bits.
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

    /// The measurements of the run in a directory, as they were last saved. The run may be training meanwhile.
    /// - Returns: nil if the directory has no run.
    public init?(directory: String) {
        let path = RunDirectory.metrics(directory)
        guard Files.exists(path), let csv = try? TextFile.read(path, allowingEmpty: true) else { return nil }
        self.init(csv: csv, upTo: .max)
    }

    /// Reads the rows up to a step. Rows that no run can have written are skipped. Later rows are skipped too: they
    /// belong to steps that were not saved and will be repeated.
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
