import Layers
import Models
import Platform
import Tensors
import Training

/// Measures how fast a transformer of a given shape trains and generates on this machine, and how close that is to the
/// peak performance of the machine.
public struct Benchmark: Sendable {
    public let configuration: TransformerConfiguration
    /// B, the number of sequences of a step.
    public let batch: Int
    /// T, the number of tokens of each sequence, at most the context length.
    public let length: Int
    /// The optimizer of training steps.
    public let optimizer: Optimizer.Settings

    /// - Parameters:
    ///   - configuration: the model.
    ///   - batch: B, the number of sequences of a step.
    ///   - length: T, the number of tokens of each sequence, at most the context length.
    ///   - optimizer: the optimizer of training steps.
    public init(
        configuration: TransformerConfiguration, batch: Int, length: Int, optimizer: Optimizer.Settings = .init()
    ) {
        self.configuration = configuration
        self.batch = batch
        self.length = length
        self.optimizer = optimizer
    }

    // MARK: Training

    /// The speed of training: each step is forward pass, loss, backward pass, clipping and the update of the optimizer.
    public struct TrainingResult: Sendable {
        /// Of the median step; `bestTokensPerSecond` is that of the fastest.
        public let tokensPerSecond: Double
        public let bestTokensPerSecond: Double
        /// Floating-point operations per second, counted by `TransformerConfiguration.trainingFlopsPerToken`.
        public let flops: Double
        /// The multiply-add rate of the same threads with operands in registers, measured just before.
        public let peakFlops: Double
        public let steps: Int
        /// The time of each part of a step, if requested.
        package let profile: Profile?
    }

    /// Trains on random tokens for about `seconds`, after three steps that are not timed.
    /// - Parameters:
    ///   - seconds: the duration of the timed steps.
    ///   - isProfiled: whether the parts of a step are measured as well.
    public func train(seconds: Double, isProfiled: Bool = false) -> TrainingResult {
        let peak = Execution.current.measuredPeak(seconds: 0.5)
        let model = Transformer(configuration, seed: 1)
        let optimizer = Optimizer(model.parameters, settings: self.optimizer)
        let (inputs, targets) = randomBatch(seed: 2)

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

    /// A batch of random tokens, and the tokens that follow them.
    func randomBatch(seed: UInt64) -> (inputs: TokenBatch, targets: [Int32]) {
        var random = Philox(seed)
        let ids = (0..<batch * (length + 1)).map { _ in
            Int32.random(in: 0..<Int32(configuration.vocabularySize), using: &random)
        }
        let rows = (0..<batch).map { ids[$0 * (length + 1)..<($0 + 1) * (length + 1)] }
        return (
            TokenBatch(batch: batch, length: length, ids: rows.flatMap { $0.dropLast() }),
            rows.flatMap { $0.dropFirst() }
        )
    }

    // MARK: Generation

    /// The speed of generation: one sequence, token by token.
    public struct GenerationResult: Sendable {
        public let tokensPerSecond: Double
        public let tokens: Int
        /// Bytes per second that have to be read: for each token the weights once, and its keys and values.
        public let bytesPerSecond: Double
        /// The memory bandwidth of the same threads, measured alternately.
        public let peakBytesPerSecond: Double
        /// The peak memory of the process before the bandwidth was measured, which takes memory itself.
        public let peakMemory: Int
    }

    /// Generates at most 200 tokens after one token at temperature 0.8: once untimed, then repeatedly for a fifth of a second,
    /// alternating with measurements of the bandwidth for as long, so that both see the same state of the machine. The best
    /// measurement of each is the result.
    /// - Parameter seconds: the duration of everything, but at least three measurements of each.
    public func generate(seconds: Double) throws -> GenerationResult {
        let model = Transformer(configuration, seed: 1)
        let count = max(1, min(200, configuration.contextLength - 2))
        let settings = GenerationSettings(temperature: 0.8, seed: 1)
        let clock = ContinuousClock(), turn = 0.2
        func rate(during seconds: Double) throws -> Double {
            let start = clock.now
            var tokens = 0, elapsed = 0.0
            repeat {
                let generator = try Generator(model, prompt: [0], settings: settings)
                for _ in 0..<count { _ = try generator.next() }
                tokens += count
                elapsed = (clock.now - start) / .seconds(1)
            } while elapsed < seconds
            return Double(tokens) / elapsed
        }
        _ = try rate(during: 0)  // packs the weights
        let memory = Self.peakMemory
        var best = 0.0, peak = 0.0, turns = 0
        let start = clock.now
        while turns < 3 || clock.now - start < .seconds(seconds) {
            best = max(best, try rate(during: turn))
            peak = max(peak, Self.measuredBandwidth(seconds: turn))
            turns += 1
        }
        // The nth token attends to n keys and values.
        let bytes = configuration.bytesRead(perTokenAfter: Double(count + 1) / 2, Execution.current.weightFormat)
        return GenerationResult(
            tokensPerSecond: best, tokens: count, bytesPerSecond: best * bytes, peakBytesPerSecond: peak,
            peakMemory: memory)
    }

    /// The memory bandwidth in bytes per second, over a buffer of a gigabyte, or of a quarter of the available memory.
    package static func measuredBandwidth(seconds: Double) -> Double {
        let room = Int(min(MemoryEstimate.available / 4, 0x1p30))
        return Execution.current.measuredBandwidth(seconds: seconds, bytes: room)
    }

    /// The peak memory of this process, in bytes.
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

extension TransformerConfiguration {
    /// The bytes that are read to generate a token that attends to `positions` positions: every matrix once, in its
    /// format, and every bias, norm, key and value in 32 bits. The rows of the embeddings are negligible.
    package func bytesRead(perTokenAfter positions: Double, _ format: WeightFormat) -> Double {
        let (L, C, V) = (Double(layers), Double(width), Double(vocabularySize))
        let (Q, K) = (Double(queryWidth), Double(keyValueWidth))
        let blocks = L * (2 * C * (Q + K) + (feedForward.isGated ? 3 : 2) * C * Double(feedForwardWidth))
        let tables = (tiesEmbeddings ? 1 : 2) * V * C + (self.positions == .learned ? Double(contextLength) * C : 0)
        let vectors = Double(parameterCount) - blocks - tables
        return format.bytesPerWeight * (blocks + V * C) + 4 * (vectors + 2 * L * K * positions)
    }
}
