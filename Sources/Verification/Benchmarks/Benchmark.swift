import Layers
import Models
import Platform
import Tensors
import Training

/// How fast a transformer of a given shape trains and generates on this machine, and how near that is to what the machine
/// can do.
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

    // MARK: Training

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
    /// - Parameters:
    ///   - seconds: how long, after the steps that are not timed.
    ///   - isProfiled: whether the parts of a step are measured, too.
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

    // MARK: Generation

    /// Generation of one sequence, token by token.
    public struct GenerationResult: Sendable {
        public let tokensPerSecond: Double
        public let tokens: Int
        /// Bytes that have to be read for these tokens, a second: the weights once for each, and its keys and values.
        public let bytesPerSecond: Double
        /// The rate at which the same threads read memory, measured in between.
        public let peakBytesPerSecond: Double
        /// The most memory the process had until then, for that measurement takes some of its own.
        public let peakMemory: Int
    }

    /// Lets one sequence grow from one token by at most 200, drawn at temperature 0.8: once untimed, then again and again for
    /// a fifth of a second, in turns with reading memory for as long, so that both meet the machine in the same states. Of
    /// both the best turn counts.
    /// - Parameter seconds: how long in all, if three turns take no longer.
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
        _ = try rate(during: 0)  // weights are packed now
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

    /// The rate at which memory is read, over a gigabyte where there is room for it.
    package static func measuredBandwidth(seconds: Double) -> Double {
        let room = Int(min(MemoryEstimate.available / 4, 0x1p30))
        return Execution.current.measuredBandwidth(seconds: seconds, bytes: room)
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

extension TransformerConfiguration {
    /// The bytes that generating a token has to read when it attends to so many positions: every matrix once, in its
    /// format, and every bias, norm, key and value in 32 bits. The rows of the embeddings are too few to
    /// count.
    package func bytesRead(perTokenAfter positions: Double, _ format: WeightFormat) -> Double {
        let (L, C, V) = (Double(layers), Double(width), Double(vocabularySize))
        let (Q, K) = (Double(queryWidth), Double(keyValueWidth))
        let blocks = L * (2 * C * (Q + K) + (feedForward.isGated ? 3 : 2) * C * Double(feedForwardWidth))
        let tables = (tiesEmbeddings ? 1 : 2) * V * C + (self.positions == .learned ? Double(contextLength) * C : 0)
        let vectors = Double(parameterCount) - blocks - tables
        return format.bytesPerWeight * (blocks + V * C) + 4 * (vectors + 2 * L * K * positions)
    }
}
