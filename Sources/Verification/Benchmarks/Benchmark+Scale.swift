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
        /// The time of an exchange of all gradients among all ranks by itself; 0 for one rank.
        public let exchangeSeconds: Double
        /// The time between the end of the backward pass and that of the exchange in the median step. It includes waiting for the
        /// slowest rank.
        public let exposedSeconds: Double
        /// The number of bytes of gradients that a rank sends in a step.
        public let bytesSent: Int
        /// The number of steps that were measured.
        public let steps: Int

        /// The measured times of an exchange of gradients among two ranks, four, and so on, and among all.
        public let exchanges: [(ranks: Int, seconds: Double)]
        /// Predicts the time of an exchange, from a measurement with two ranks; nil for one rank.
        public let model: ExchangeModel?

        /// What part of the speed that all ranks would have without exchanging anything they have together.
        public var efficiency: Double { tokensPerSecond / (Double(ranks) * tokensPerSecondAlone) }

        /// What part of the exchange of gradients takes place while the backward pass still computes others.
        public var hiddenShare: Double {
            exchangeSeconds > 0 ? max(0, 1 - exposedSeconds / exchangeSeconds) : 0
        }

        /// The predicted efficiency of a number of ranks like these. It is a lower bound: it assumes that the whole exchange takes
        /// place after the backward pass.
        /// - Parameter ranks: the number of ranks.
        /// - Returns: 1 if there is no model.
        public func efficiency(ranks: Int) -> Double {
            guard let model, ranks > 1 else { return 1 }
            return secondsAlone / (secondsAlone + model.seconds(ranks: ranks))
        }

        /// The time of a step without an exchange.
        let secondsAlone: Double
    }

    /// A communicator of the first ranks of another one.
    private final class FirstRanks: Communicator {
        private let all: any Communicator
        let size: Int
        var rank: Int { all.rank }
        var isCallableFromAnyThread: Bool { all.isCallableFromAnyThread }

        init(_ size: Int, of all: any Communicator) { (self.size, self.all) = (size, all) }

        func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) throws {
            try all.exchange(sending: outgoing, receiving: incoming)
        }
    }

    /// Trains on random tokens for about `seconds`: on each rank by itself, and then together. Every rank computes one micro-batch of a
    /// step, of `batch` sequences, so the batch of a step grows with the number of ranks. Then exchanges of gradients are measured by
    /// themselves.
    /// - Parameters:
    ///   - communicator: the processes.
    ///   - seconds: the duration of all together.
    public func scale(over communicator: any Communicator, seconds: Double) throws -> ScaleResult {
        let model = Transformer(configuration, seed: 1)
        let optimizer = Optimizer(model.parameters, settings: self.optimizer)
        let parameters = optimizer.parameters.map(\.parameter), shapes = parameters.map(\.value.shape)
        let (inputs, targets) = randomBatch(seed: UInt64(2 + communicator.rank))
        let exchange = GradientExchange(
            communicator: communicator, tree: SummationTree(count: communicator.size), shapes: shapes)

        func loss() -> Double {
            model.loss(inputs, targets: targets, gradientScale: 1 / Float(targets.count * communicator.size))
        }
        /// A step, and the seconds that it took and that its exchange took after the backward pass.
        func step(isShared: Bool) throws -> (whole: Double, exposed: Double) {
            let begin = ContinuousClock.now
            var exposed = Duration.zero
            if isShared {
                let sum = GradientSum(exchange)
                let loss = sum.collect(from: parameters, loss)
                let start = ContinuousClock.now
                let gradients = try sum.finish(loss: loss).sum?.gradients ?? []
                for (parameter, gradient) in zip(parameters, gradients) { parameter.gradient = gradient }
                exposed = ContinuousClock.now - start
            } else {
                _ = loss()
            }
            optimizer.update(learningRate: 1e-3, gradientNorm: optimizer.gradientNorm())
            return ((ContinuousClock.now - begin) / .seconds(1), exposed / .seconds(1))
        }
        /// Steps for a time that rank 0 measures.
        func measure(isShared: Bool) throws -> [(whole: Double, exposed: Double)] {
            for _ in 0..<2 { _ = try step(isShared: isShared) }
            try communicator.wait()
            return try Self.repeated(seconds: seconds / 3, on: communicator, { try step(isShared: isShared) }, \.whole)
        }
        let alone = try measure(isShared: false)
        let shared = try measure(isShared: true)
        let secondsAlone = Self.median(alone.map(\.whole))
        let (exchanges, exchangeModel) = try Self.exchanges(of: shapes, over: communicator, seconds: seconds / 3)
        return ScaleResult(
            ranks: communicator.size,
            tokensPerSecond: Double(targets.count * communicator.size) / Self.median(shared.map(\.whole)),
            tokensPerSecondAlone: Double(targets.count) / secondsAlone,
            exchangeSeconds: exchanges.last?.seconds ?? 0, exposedSeconds: Self.median(shared.map(\.exposed)),
            bytesSent: Int(ExchangeModel.bytesSent(exchange.bytes, ranks: communicator.size)), steps: shared.count,
            exchanges: exchanges, model: exchangeModel, secondsAlone: secondsAlone)
    }

    /// Measures exchanges of gradients among the first two ranks, the first four, and so on, and all. Other ranks wait.
    /// - Parameters:
    ///   - shapes: those of the gradients.
    ///   - communicator: all ranks.
    ///   - seconds: the duration of all measurements.
    /// - Returns: the times, and a model from that of two ranks.
    private static func exchanges(
        of shapes: [Shape], over communicator: any Communicator, seconds: Double
    ) throws -> (measured: [(ranks: Int, seconds: Double)], model: ExchangeModel?) {
        let powers = (1..<Int.bitWidth - 1).lazy.map { 1 << $0 }.prefix { $0 < communicator.size }
        let sizes = communicator.size > 1 ? Array(powers) + [communicator.size] : []
        var measured: [(ranks: Int, seconds: Double)] = [], model: ExchangeModel?
        for size in sizes {
            if communicator.rank < size {
                let group = FirstRanks(size, of: communicator)
                let exchange = GradientExchange(communicator: group, tree: SummationTree(count: size), shapes: shapes)
                var gradients: [Tensor?] = shapes.map { Tensor($0) }
                func time(_ body: () throws -> Void) rethrows -> Double {
                    let begin = ContinuousClock.now
                    try body()
                    return (ContinuousClock.now - begin) / .seconds(1)
                }
                let share = seconds / Double(sizes.count)
                let latency = try repeated(seconds: share / 4, on: group, { try time(group.wait) }, \.self)
                let times = try repeated(
                    seconds: share / 2, on: group,
                    {
                        try time {
                            let sum = try GradientSum(exchange, usesThread: false).sum(&gradients, loss: 0)
                            gradients = sum?.gradients ?? []
                        }
                    }, \.self)
                measured.append((size, median(times)))
                model =
                    model
                    ?? ExchangeModel(
                        ofTwoRanks: median(times), bytes: exchange.bytes, rounds: exchange.rounds,
                        latency: median(latency))
            }
            try communicator.wait()
        }
        return (measured, model)
    }

    /// Repeats what all ranks of a communicator do together for about `seconds`, as measured on rank 0, and at least three times.
    /// - Parameters:
    ///   - seconds: the duration.
    ///   - communicator: the ranks.
    ///   - body: what is repeated.
    ///   - duration: the time that `body` took.
    /// - Returns: what `body` returned.
    private static func repeated<Result>(
        seconds: Double, on communicator: any Communicator, _ body: () throws -> Result,
        _ duration: (Result) -> Double
    ) throws -> [Result] {
        _ = try body()
        let wanted = UInt64(max(3, min(1e6, seconds / max(1e-7, duration(try body())))))
        let count = UInt64(messageBytes: try communicator.broadcast(wanted.messageBytes))
        return try (0..<count).map { _ in try body() }
    }

    private static func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
}
