import Synchronization
import Tensors
import TestSupport
import Testing
import Training

@Suite("Gradients that are summed while others are computed")
struct GradientSumTests {
    private static let shapes: [Shape] = [[40, 3], [7], [5, 5], [64], [3]]

    /// The gradients of a micro-batch. Some parameters have none in some of them, and one has none in any.
    private static func gradients(_ microBatch: Int) -> [Tensor?] {
        shapes.enumerated().map { i, shape in
            if i == 4 || (i + microBatch) % 4 == 1 { return nil }
            var random = Philox(UInt64(100 * microBatch + i))
            return .normal(shape, deviation: 1, using: &random)
        }
    }

    private static func partialSum(_ tree: SummationTree, _ node: Range<Int>) -> PartialSum {
        tree.sum(
            node,
            value: { range -> PartialSum? in
                range.count == 1
                    ? PartialSum(loss: Double(range.lowerBound + 1), gradients: gradients(range.lowerBound)) : nil
            }, add: { $0.add($1) })
    }

    private static func bits(_ sum: PartialSum) -> [[UInt32]?] { sum.gradients.map { $0?.values.map(\.bitPattern) } }

    /// Sums over a rank's micro-batches as a training does; the gradients of the last one arrive from the last parameter to the
    /// first, through the hooks of the parameters.
    private static func sum(_ exchange: GradientExchange) throws -> PartialSum? {
        let tree = exchange.tree, subtrees = exchange.ownSubtrees
        let sum = GradientSum(
            exchange, finished: subtrees.dropLast().map { partialSum(tree, $0) },
            waiting: (subtrees.last.map(tree.leftOfLastLeaf) ?? []).map { partialSum(tree, $0) })
        let parameters = shapes.map { Parameter(Tensor($0)) }
        guard let last = exchange.block.last else { return try sum.finish(loss: 0).sum }
        let loss = sum.collect(from: parameters) {
            for (i, gradient) in gradients(last).enumerated().reversed() {
                parameters[i].gradient = gradient
                // That of the first parameter arrives at the end, without its hook.
                if i > 0 { parameters[i].gradientHook?() }
            }
            return Double(last + 1)
        }
        #expect(parameters.allSatisfy { $0.gradientHook == nil && $0.gradient == nil })
        return try sum.finish(loss: loss).sum
    }

    @Test(
        "The sum has the bits of one process, however the parameters are divided into buckets",
        arguments: [1, 2, 3, 5, 8], [1, 10, 100, 1 << 16])
    func sameBits(_ microBatches: Int, partLength: Int) throws {
        let tree = SummationTree(count: microBatches)
        let expected = Self.partialSum(tree, 0..<microBatches)
        for ranks in 1...4 {
            let results = try ThreadRanks.run(ranks) { rank -> (Double, [[UInt32]?])? in
                let exchange = GradientExchange(
                    communicator: rank, tree: tree, shapes: Self.shapes, partLengths: partLength...partLength)
                #expect(exchange.buckets.flatMap { $0 }.sorted() == Array(Self.shapes.indices))
                return try Self.sum(exchange).map { ($0.loss, Self.bits($0)) }
            }
            for result in results {
                #expect(result?.0 == expected.loss)
                #expect(result?.1 == Self.bits(expected))
            }
        }
    }

    @Test("A bucket is exchanged before the backward pass ends, and the rest after it")
    func overlap() throws {
        _ = try ThreadRanks.run(2) { rank in
            let exchange = GradientExchange(
                communicator: rank, tree: SummationTree(count: 2), shapes: Self.shapes, partLengths: 50...50)
            let parameters = Self.shapes.map { Parameter(Tensor($0)) }
            let sum = GradientSum(exchange)
            _ = sum.collect(from: parameters) {
                for parameter in parameters.reversed() {
                    parameter.gradient = Tensor(parameter.value.shape, filledWith: 1)
                    let before = rank.sentBytes.load(ordering: .relaxed)
                    parameter.gradientHook?()
                    guard parameter === parameters[3] else { continue }
                    // The bucket of the last two parameters is complete. A minute without a message is an error.
                    for _ in 0..<600_000 where rank.sentBytes.load(ordering: .relaxed) < before + 4 * 67 / 2 {
                        ThreadRanks.pause()
                    }
                    #expect(rank.sentBytes.load(ordering: .relaxed) >= before + 4 * 67 / 2)
                }
                return 1
            }
            let result = try #require(try sum.finish(loss: 1).sum)
            #expect(result.loss == 2)
            for gradient in result.gradients { #expect(gradient?.values.allSatisfy { $0 == 2 } == true) }
        }
    }

    @Test("Two gradients in the same memory are summed separately")
    func sharedMemory() throws {
        let results = try ThreadRanks.run(2) { rank -> [[Float]] in
            let shapes: [Shape] = [[8], [8]]
            let exchange = GradientExchange(
                communicator: rank, tree: SummationTree(count: 2), shapes: shapes, partLengths: 8...8)
            let parameters = shapes.map { Parameter(Tensor($0)) }, sum = GradientSum(exchange)
            let loss = sum.collect(from: parameters) {
                let gradient = Tensor([8], filledWith: Float(rank.rank + 1))
                for parameter in parameters { parameter.gradient = gradient }
                for parameter in parameters.reversed() { parameter.gradientHook?() }
                return 0
            }
            return try #require(try sum.finish(loss: loss).sum).gradients.map { $0?.values ?? [] }
        }
        for result in results { #expect(result == [[Float]](repeating: Array(repeating: 3, count: 8), count: 2)) }
    }

    @Test("The sum is in the memory of the gradient, without a copy", arguments: [1, 2])
    func memory(_ ranks: Int) throws {
        _ = try ThreadRanks.run(ranks) { rank in
            let shapes: [Shape] = [[9], [40], [8], [3]]
            let exchange = GradientExchange(
                communicator: rank, tree: SummationTree(count: ranks), shapes: shapes, partLengths: 10...10)
            let parameters = shapes.map { Parameter(Tensor($0)) }, sum = GradientSum(exchange)
            var addresses: [UnsafeMutablePointer<Float>] = []
            let loss = sum.collect(from: parameters) {
                for (i, parameter) in parameters.enumerated().reversed() {
                    parameter.gradient = Tensor(shapes[i], filledWith: 1)
                    addresses.append(parameter.gradient!.pointer)
                    parameter.gradientHook?()
                }
                return 0
            }
            let result = try #require(try sum.finish(loss: loss).sum).gradients
            #expect(result.map { $0?.pointer } == addresses.reversed())
        }
    }

    @Test("A step that a rank abandons has no sum")
    func abandoned() throws {
        let results = try ThreadRanks.run(3) { rank -> Bool in
            let exchange = GradientExchange(
                communicator: rank, tree: SummationTree(count: 3), shapes: Self.shapes, partLengths: 10...10)
            if rank.rank == 0 {
                try GradientSum.abandon(exchange)
                return true
            }
            return try Self.sum(exchange) == nil
        }
        #expect(results == [true, true, true])
    }

    /// A rank that loses the others after some exchanges.
    private final class Losing: Communicator {
        struct Lost: Error {}

        let rank = 0, size = 2
        let isCallableFromAnyThread: Bool
        private let rest: Mutex<Int>

        init(after exchanges: Int, isCallableFromAnyThread: Bool) {
            rest = Mutex(exchanges)
            self.isCallableFromAnyThread = isCallableFromAnyThread
        }

        func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) throws {
            try rest.withLock { rest in
                guard rest > 0 else { throw Lost() }
                rest -= 1
            }
            for message in incoming { message.bytes.initializeMemory(as: UInt8.self, repeating: 0) }
        }
    }

    @Test("An error of an exchange is thrown when the sum is needed", arguments: [0, 1, 2, 4], [true, false])
    func errors(_ exchanges: Int, isCallableFromAnyThread: Bool) throws {
        let communicator = Losing(after: exchanges, isCallableFromAnyThread: isCallableFromAnyThread)
        let exchange = GradientExchange(
            communicator: communicator, tree: SummationTree(count: 2), shapes: Self.shapes, partLengths: 10...10)
        #expect(throws: Losing.Lost.self) { try Self.sum(exchange) }
    }

    @Test("The subtrees left of the last leaf and the leaf are a whole subtree", arguments: 1...20)
    func leftOfLastLeaf(_ count: Int) {
        let left = SummationTree(count: count).leftOfLastLeaf(in: 0..<count)
        #expect(left.flatMap { $0 } + [count - 1] == Array(0..<count))
        #expect(left.count <= SummationTree(count: count).depth)
    }
}
