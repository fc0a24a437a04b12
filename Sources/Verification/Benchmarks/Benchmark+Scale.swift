import Layers
import Models
import Tensors
import Training

extension Benchmark {
    /// How fast several processes train together.
    public struct ScaleResult: Sendable {
        /// The number of processes.
        public let ranks: Int
        /// The tokens per second of all ranks together, in the median step.
        public let tokensPerSecond: Double
        /// The tokens per second of rank 0 in steps without an exchange, while the other ranks compute such steps too.
        public let tokensPerSecondAlone: Double
        /// The time of the exchange of gradients in the median step. It includes waiting for the slowest rank.
        public let exchangeSeconds: Double
        /// The number of bytes of gradients that a rank sends in a step.
        public let bytesSent: Int
        /// The number of steps that were measured.
        public let steps: Int

        /// What part of the speed that all ranks would have without exchanging anything they have together.
        public var efficiency: Double { tokensPerSecond / (Double(ranks) * tokensPerSecondAlone) }
    }

    /// Trains on random tokens for about `seconds`: on each rank by itself, and then together. Every rank computes one micro-batch of a
    /// step, of `batch` sequences, so the batch of a step grows with the number of ranks.
    /// - Parameters:
    ///   - communicator: the processes.
    ///   - seconds: the duration of both together.
    public func scale(over communicator: any Communicator, seconds: Double) throws -> ScaleResult {
        let model = Transformer(configuration, seed: 1)
        let optimizer = Optimizer(model.parameters, settings: Optimizer.Settings(beta2: 0.95))
        let parameters = optimizer.parameters.map(\.parameter)
        let (inputs, targets) = randomBatch(seed: UInt64(2 + communicator.rank))
        let exchange = GradientExchange(
            communicator: communicator, tree: SummationTree(count: communicator.size),
            shapes: parameters.map(\.value.shape))

        /// A step, and the seconds that it took and that its exchange took.
        func step(isShared: Bool) throws -> (whole: Double, exchange: Double) {
            let begin = ContinuousClock.now
            var exchangeTime = Duration.zero
            let loss = model.loss(
                inputs, targets: targets, gradientScale: 1 / Float(targets.count * communicator.size))
            if isShared {
                let start = ContinuousClock.now
                var sums = [PartialSum(loss: loss, gradients: parameters.map(\.gradient))]
                optimizer.clearGradients()
                let gradients = try exchange.sum(&sums).sum?.gradients ?? []
                for (parameter, gradient) in zip(parameters, gradients) { parameter.gradient = gradient }
                exchangeTime = ContinuousClock.now - start
            }
            optimizer.update(learningRate: 1e-3, gradientNorm: optimizer.gradientNorm())
            return ((ContinuousClock.now - begin) / .seconds(1), exchangeTime / .seconds(1))
        }
        /// Steps for a time that rank 0 measures.
        func measure(isShared: Bool) throws -> [(whole: Double, exchange: Double)] {
            for _ in 0..<2 { _ = try step(isShared: isShared) }
            try communicator.wait()
            let first = try step(isShared: isShared)
            let wanted = UInt64(max(3, min(1e6, seconds / 2 / first.whole)))
            let count = UInt64(messageBytes: try communicator.broadcast(wanted.messageBytes))
            return try (0..<count).map { _ in try step(isShared: isShared) }
        }
        func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
        let alone = try measure(isShared: false)
        let shared = try measure(isShared: true)
        let floats = parameters.reduce(0) { $0 + $1.value.count }
        return ScaleResult(
            ranks: communicator.size,
            tokensPerSecond: Double(targets.count * communicator.size) / median(shared.map(\.whole)),
            tokensPerSecondAlone: Double(targets.count) / median(alone.map(\.whole)),
            exchangeSeconds: median(shared.map(\.exchange)),
            bytesSent: 2 * 4 * floats * (communicator.size - 1) / communicator.size, steps: shared.count)
    }
}
