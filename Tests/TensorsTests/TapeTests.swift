import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("The tape")
struct TapeTests {
    private func normal(_ shape: Shape, _ seed: UInt64) -> Variable {
        var random = Philox(seed)
        return Variable(.normal(shape, deviation: 1, using: &random), needsGradient: true)
    }

    private func doubles(_ tensor: Tensor?) throws -> [Double] { try #require(tensor).values.map(Double.init) }

    @Test("x + x: the gradient is twice that of the sum")
    func sameInputTwice() throws {
        let x = normal([3, 5], 1), tape = Tape()
        let y = tape.apply(Add(), x, x)
        let gradient = Tensor([3, 5], filledWith: 1.5)
        y.gradient = gradient
        tape.backward()
        try #expect(#require(x.gradient).values == [Float](repeating: 3, count: 15))
        #expect(gradient.values == [Float](repeating: 1.5, count: 15), "the caller's tensor was overwritten")
    }

    /// y = (x + f(x)) + g(x + f(x)), the shape of a transformer block: the branches share gradients with the stream.
    @Test("Fan-out: a residual stream gets the sum of what its readers send back")
    func fanOut() throws {
        let x = normal([4, 6], 2), w1 = normal([6, 6], 3), w2 = normal([6, 6], 4), linear = Linear(hasBias: false)
        let tape = Tape()
        let middle = tape.apply(Add(), x, tape.apply(linear, x, w1))
        let y = tape.apply(Add(), middle, tape.apply(linear, middle, w2))
        let dY = normal([4, 6], 5).value
        y.gradient = dY
        tape.backward()

        // dMiddle = dY + dY W2',  dX = dMiddle + dMiddle W1'
        func product(_ a: DoubleTensor, transposed b: Tensor) -> DoubleTensor {
            let interpreter = DoubleInterpreter()
            return interpreter.add(a, interpreter.matmul(a, interpreter.transpose(DoubleTensor(b), [1, 0])))
        }
        let dX = product(product(DoubleTensor(dY), transposed: w2.value), transposed: w1.value)
        try #expect(largestError(doubles(x.gradient), dX.elements) < 2e-6)
        #expect(middle.gradient == nil, "gradients of what lies between are let go")
    }

    @Test("A hook is called once, when the gradient is complete, and before earlier ops are computed")
    func hooks() throws {
        let ids = TokenBatch(batch: 2, length: 3, ids: [0, 4, 4, 2, 1, 0]), targets: [Int32] = [4, 4, 2, 1, 0, 3]
        func parameter(_ shape: Shape, _ seed: UInt64) -> Parameter { Parameter(normal(shape, seed).value) }
        // The embedding is also the first weight of a product; the classifier is read by the loss alone.
        let embedding = parameter([7, 7], 1), weight = parameter([7, 7], 2), bias = parameter([7], 3)
        let classifier = parameter([5, 7], 4), all = [embedding, weight, bias, classifier]
        func backward() {
            let tape = Tape(), linear = Linear(hasBias: false)
            var h = tape.apply(Embedding(ids, hasPositions: false), embedding)
            h = tape.apply(linear, h, embedding)
            h = tape.apply(Linear(hasBias: true), h, weight, bias)
            _ = CrossEntropy(targets: targets).evaluate(
                [h.value, classifier.value], gradient: (0.5, [h.slot, classifier.slot]))
            tape.backward(from: [h, classifier])
        }
        backward()
        let expected = all.map { $0.gradient?.values }
        for parameter in all { parameter.gradient = nil }

        var order: [Int] = []
        for (i, parameter) in all.enumerated() {
            parameter.gradientHook = { [unowned parameter] in
                order.append(i)
                #expect(parameter.gradient?.values == expected[i])
                if i > 0 { #expect(embedding.gradient?.values != expected[0]) }
            }
        }
        backward()
        #expect(order == [3, 1, 2, 0])
    }

    @Test("Tied weights: an embedding that is also the classifier gets both gradients")
    func tiedWeights() throws {
        let ids = TokenBatch(batch: 2, length: 3, ids: [0, 4, 4, 2, 1, 0]), targets: [Int32] = [4, 4, 2, 1, 0, 3]
        func gradients(_ embedding: Variable, _ classifier: Variable) {
            let tape = Tape()
            let h = tape.apply(Embedding(ids, hasPositions: false), embedding)
            let loss = CrossEntropy(targets: targets)
            _ = loss.evaluate([h.value, classifier.value], gradient: (0.5, [h.slot, classifier.slot]))
            tape.backward()
        }
        let tied = normal([5, 7], 6), first = normal([5, 7], 6), second = normal([5, 7], 6)
        gradients(tied, tied)
        gradients(first, second)
        let sum = try zip(doubles(first.gradient), doubles(second.gradient)).map { $0 + $1 }
        try #expect(largestError(doubles(tied.gradient), sum) < 1e-6)
    }

    @Test("Micro-batches add up to the whole batch", arguments: InstructionSet.available)
    func accumulation(set: InstructionSet) throws {
        let w = normal([6, 9], 7), b = normal([9], 8), gamma = normal([6], 9), beta = normal([6], 10)
        let table = normal([11, 6], 11), classifier = normal([13, 9], 12)
        let parameters = [w, b, gamma, beta, table, classifier]
        let ids = (0..<12 as Range<Int32>).map { $0 * 7 % 11 }, targets = (0..<12 as Range<Int32>).map { $0 * 5 % 13 }
        func loss(_ rows: Range<Int>) -> Double {
            let tape = Tape()
            let tokens = TokenBatch(batch: rows.count / 3, length: 3, ids: Array(ids[rows]))
            let x = tape.apply(Embedding(tokens, hasPositions: false), table)
            let y = tape.apply(Linear(), tape.apply(LayerNorm(epsilon: 1e-5), x, gamma, beta), w, b)
            let loss = CrossEntropy(targets: Array(targets[rows]))
            let total = loss.evaluate([y.value, classifier.value], gradient: (1.0 / 12, [y.slot, classifier.slot]))
            tape.backward()
            return total
        }
        try onOneThread(set) {
            let whole = loss(0..<12)
            let expected = try parameters.map { try doubles($0.gradient) }
            for parameter in parameters { parameter.gradient = nil }
            let parts = loss(0..<3) + loss(3..<9) + loss(9..<12)
            #expect(abs(whole - parts) < 1e-5)
            for (parameter, expected) in zip(parameters, expected) {
                try #expect(largestError(doubles(parameter.gradient), expected) < 3e-6)
            }
        }
    }

    @Test("A frozen part of a model gets no gradient, and the rest the same one")
    func frozen() throws {
        func run(frozen: Bool) -> (x: Variable, w1: Variable, w2: Variable) {
            let x = Variable(normal([4, 3], 1).value, needsGradient: !frozen)
            let w1 = Variable(normal([3, 3], 2).value, needsGradient: !frozen), w2 = normal([3, 2], 3)
            let tape = Tape(), linear = Linear(hasBias: false)
            let y = tape.apply(linear, tape.apply(linear, x, w1), w2)
            y.gradient = Tensor([4, 2], filledWith: 1)
            tape.backward()
            return (x, w1, w2)
        }
        let frozen = run(frozen: true), free = run(frozen: false)
        #expect(frozen.x.gradient == nil && frozen.w1.gradient == nil)
        try #expect(#require(frozen.w2.gradient).values == #require(free.w2.gradient).values)
    }

    @Test("A tape that does not record asks for no gradient and holds on to nothing")
    func notRecording() {
        let tape = Tape(.inference), w = normal([8, 8], 1)
        var x = tape.apply(Linear(hasBias: false), normal([4, 8], 2), w)
        #expect(!x.needsGradient)
        weak let first = x.value.storage
        x = tape.apply(Linear(hasBias: false), x, w)
        #expect(first == nil)
    }

    @Test("A tape that records keeps what backward reads, until it has been read")
    func recording() {
        let tape = Tape(), w = normal([8, 8], 1)
        var x = tape.apply(Linear(hasBias: false), normal([4, 8], 2), w)
        weak let read = x.value.storage
        x = tape.apply(Linear(hasBias: false), x, w)
        weak let notRead = x.value.storage
        x = tape.apply(Add(), x, x)
        x.gradient = Tensor([4, 8], filledWith: 1)
        #expect(read != nil && notRead == nil)
        tape.backward()
        #expect(read == nil)
    }

    @Test("What is cheap to compute again is not kept, and comes out the same", arguments: InstructionSet.available)
    func repeated(set: InstructionSet) throws {
        let x = normal([9, 20], 1), gamma = normal([20], 2), beta = normal([20], 3), linear = Linear(hasBias: false)
        let dY = normal([9, 7], 5).value
        try onOneThread(set) {
            let w = normal([20, 7], 4), same = normal([20, 7], 4), tape = Tape()
            var y = tape.apply(LayerNorm(epsilon: 1e-5), x, gamma, beta)
            let normalised = y.value.copy()
            weak let between = y.value.storage
            y = tape.apply(linear, y, w)
            #expect(between == nil)
            y.gradient = dY.copy()
            tape.backward()

            let z = tape.apply(linear, Variable(normalised, needsGradient: false), same)
            z.gradient = dY.copy()
            tape.backward()
            try #expect(#require(w.gradient).values == #require(same.gradient).values)
        }
    }

    /// Calls its closure for every forward pass.
    private struct Counted: Operation {
        let count: @Sendable () -> Void
        var savedForBackward: SavedTensors { [] }
        var isRecomputed: Bool { true }

        func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
            count()
            return (inputs[0].copy(), ())
        }

        func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
            slots[0].share(gradient)
        }

        func reference<Builder: PrimitiveBuilder>(
            _ inputs: [Builder.Value], _ builder: inout Builder
        ) -> Builder.Value { inputs[0] }
    }

    @Test("What is computed again is computed once for all that read it, and let go after the last", arguments: 1...3)
    func repeatedOnce(readers: Int) throws {
        let calls = Mutex(0), x = normal([4, 5], 1), linear = Linear(hasBias: false), tape = Tape()
        let weights = (0..<readers).map { normal([5, 5], UInt64($0)) }
        let y = tape.apply(Counted { calls.withLock { $0 += 1 } }, x)
        for weight in weights { tape.apply(linear, y, weight).gradient = Tensor([4, 5], filledWith: 1) }
        #expect(calls.withLock { $0 } == 1)
        tape.backward()
        #expect(calls.withLock { $0 } == 2)
        for weight in weights.dropFirst() {
            try #expect(#require(weight.gradient).values == #require(weights[0].gradient).values)
        }
    }

    @Test("Walking back twice adds nothing")
    func backwardTwice() throws {
        let x = normal([2, 3], 1), w = normal([3, 4], 2), tape = Tape()
        let y = tape.apply(Linear(hasBias: false), x, w)
        y.gradient = Tensor([2, 4], filledWith: 1)
        tape.backward()
        let once = try #require(w.gradient).values
        tape.backward()
        try #expect(#require(w.gradient).values == once)
    }
}

@Suite("Memory")
struct MemoryTests {
    @Test("Blocks are aligned, large enough, and used again")
    func blocks() {
        for count in [0, 1, 63, 64, 65, 100, 127, 128, 129, 1000, 4097, 1_000_003] {
            let block = Storage(count: count)
            #expect(UInt(bitPattern: block.start) % 64 == 0)
            if count > 0 {
                block.start[0] = 1
                block.start[count - 1] = 2
            }
        }
    }

    /// Other tests use the pool at the same time, so some steps may find it short; a leak would show in every one.
    @Test("After the first steps a model allocates nothing")
    func steadyState() {
        let allocations = (0..<40).map { _ -> Int in
            let before = MemoryPool.shared.allocations
            step()
            return MemoryPool.shared.allocations - before
        }
        #expect(allocations.dropFirst().contains(0))
    }

    private let parameters: [Variable] = {
        var random = Philox(1)
        return [[50, 48], [20, 48], [48], [48], [48, 144], [144], [48, 48], [48]].map {
            Variable(.normal($0, deviation: 0.1, using: &random), needsGradient: true)
        }
    }()

    /// One block of attention, forward and backward, with the gradients dropped at the end.
    private func step() {
        let p = parameters, tape = Tape()
        let ids = TokenBatch(batch: 2, length: 20, ids: (0..<40).map { $0 % 50 })
        let x = tape.apply(Embedding(ids), p[0], p[1])
        let qkv = tape.apply(Linear(), tape.apply(LayerNorm(epsilon: 1e-5), x, p[2], p[3]), p[4], p[5])
        let mixed = tape.apply(Linear(), tape.apply(Attention(heads: 4, mask: .causal), qkv), p[6], p[7])
        let y = tape.apply(Add(), x, tape.apply(Dropout(rate: 0.1, key: 1), mixed))
        let loss = CrossEntropy(targets: ids.ids)
        _ = loss.evaluate([y.value, p[0].value], gradient: (0.01, [y.slot, p[0].slot]))
        tape.backward()
        for parameter in p { parameter.gradient = nil }
    }
}
