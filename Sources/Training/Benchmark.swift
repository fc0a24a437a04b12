import LanguageModels
import Layers
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How fast a transformer of a given shape trains and generates on this machine.
public struct Benchmark: Sendable {
    public let configuration: TransformerConfiguration
    /// Sequences of a step.
    public let batch: Int
    /// Tokens of each sequence, up to the context.
    public let length: Int

    public init(configuration: TransformerConfiguration, batch: Int, length: Int) {
        self.configuration = configuration
        self.batch = batch
        self.length = length
    }

    /// Training, in steps of forward, loss, backward, clipping and AdamW.
    public struct TrainingResult: Sendable {
        /// By the median step, and by the fastest.
        public let tokensPerSecond: Double
        public let bestTokensPerSecond: Double
        /// Floating-point operations a second, counted as `TransformerConfiguration.trainingFlopsPerToken`.
        public let flops: Double
        /// The multiply-add rate of the same threads on registers alone, measured just before.
        public let peakFlops: Double
        public let steps: Int
        /// Where the time went, if that was asked for.
        package let profile: Profile?
    }

    /// Trains on random tokens for about `seconds`, after three steps that are not timed.
    /// - Parameter isProfiled: whether the parts of a step are measured, too.
    public func train(seconds: Double, isProfiled: Bool = false) -> TrainingResult {
        let peak = Execution.current.measuredPeak(seconds: 0.5)
        let model = Transformer(configuration, seed: 1)
        let optimizer = AdamW(model.parameters, settings: AdamW.Settings(beta2: 0.95))
        var random = Philox(2)
        let ids = (0..<batch * (length + 1)).map { _ in
            Int32.random(in: 0..<Int32(configuration.vocabularySize), using: &random)
        }
        let rows = (0..<batch).map { ids[$0 * (length + 1)..<($0 + 1) * (length + 1)] }
        let inputs = TokenBatch(batch: batch, length: length, ids: rows.flatMap { $0.dropLast() })
        let targets = rows.flatMap { $0.dropFirst() }

        func step() {
            model.loss(inputs, targets: targets, gradientScale: 1 / Float(targets.count))
            optimizer.update(learningRate: 1e-3, gradientNorm: optimizer.gradientNorm())
        }
        for _ in 0..<3 { step() }
        let profile = isProfiled ? Profile() : nil
        var times: [Double] = []
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(seconds) || times.count < 3 {
            times.append(ContinuousClock().measure { Profile.step(into: profile, step) } / .seconds(1))
        }
        times.sort()
        let rate = Double(targets.count) / times[times.count / 2]
        return TrainingResult(
            tokensPerSecond: rate, bestTokensPerSecond: Double(targets.count) / times[0],
            flops: rate * configuration.trainingFlopsPerToken(length: length), peakFlops: peak, steps: times.count,
            profile: profile)
    }

    /// Tokens a second of one sequence that grows from one token by at most 200, drawn at temperature 0.8; the best of
    /// three.
    public func generate() throws -> (tokensPerSecond: Double, tokens: Int) {
        let model = Transformer(configuration, seed: 1)
        let count = max(1, min(200, configuration.contextLength - 2))
        let settings = GenerationSettings(temperature: 0.8, seed: 1)
        var best = 0.0
        for _ in 0..<3 {
            let generator = try Generator(model, prompt: [0], settings: settings)
            let seconds =
                try ContinuousClock().measure { for _ in 0..<count { _ = try generator.next() } } / .seconds(1)
            best = max(best, Double(count) / seconds)
        }
        return (best, count)
    }

    /// The most memory this process has had, in bytes.
    public static var peakMemory: Int {
        var usage = rusage()
        #if os(Linux) && canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        #if os(Linux)
            return Int(usage.ru_maxrss) * 1024
        #else
            return Int(usage.ru_maxrss)
        #endif
    }
}
