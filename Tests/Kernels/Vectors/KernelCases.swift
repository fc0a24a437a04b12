import Platform
import Tensors
import TestSupport

/// Cases of the kernels that are not run by ops of the catalogue, or not over all of their range. Shapes and tolerances
/// are those of the tests in `Tests/TensorsTests`.
enum KernelCases {
    static var all: [@Sendable () -> VectorCase?] {
        var all: [@Sendable () -> VectorCase?] = []
        for shape in KernelShapes.products { all.append { product(m: shape.m, n: shape.n, k: shape.k) } }
        for shape in KernelShapes.weights { all.append { decoding(inputs: shape.inputs, outputs: shape.outputs) } }
        all.append { packing() }
        all += attentions
        for count in [1, 7, 16, 33, 1000, 16_385, 40_000] { all.append { adamW(count: count) } }
        for count in [1, 7, 16, 33, 16_385] { all.append { muon(count: count) } }
        for count in [1, 15, 16, 1023, 1025, 16_384, 16_385, 300_000] { all.append { sumOfSquares(count: count) } }
        all += samplings
        for activation in Activation.allCases where activation != .identity { all.append { sweep(activation) } }
        return all
    }

    private static func normal(_ shape: Shape, seed: UInt64, deviation: Double = 1) -> Tensor {
        var random = Philox(seed)
        return .normal(shape, deviation: deviation, using: &random)
    }

    // MARK: Products

    /// c + a b, with the factors as they are and rounded to bfloat16.
    private static func product(m: Int, n: Int, k: Int) -> VectorCase {
        let a = normal([m, k], seed: UInt64(m * n * k)), b = normal([k, n], seed: UInt64(m * n * k + 1))
        let c = normal([m, n], seed: UInt64(m * n * k + 2)), builder = DoubleInterpreter()
        var vector = VectorCase("product", title: "Matrix product", name: "Matrix product (\(m), \(k)) (\(k), \(n))")
        for (name, number) in [("m", m), ("n", n), ("k", k)] { vector.add(name, number) }
        vector.add("a", a.values)
        vector.add("b", b.values)
        vector.add("c", c.values)
        for (name, round) in [("float32", { $0 }), ("bfloat16", roundedToBFloat16)] as [(String, (Float) -> Float)] {
            let factors = [a, b].map { DoubleTensor(Tensor($0.shape, $0.values.map(round))) }
            vector.add(name, builder.add(DoubleTensor(c), builder.matmul(factors[0], factors[1])).elements)
        }
        let ones = DoubleTensor(shape: [1, k], elements: Array(repeating: 1, count: k))
        vector.add("column_sums", builder.matmul(ones, DoubleTensor(b)).elements)
        return vector
    }

    /// Up to twelve rows times a weight, relu(x W + b), in every format of weights.
    private static func decoding(inputs: Int, outputs: Int) -> VectorCase {
        let weight = normal([inputs, outputs], seed: 1), x = normal([12, inputs], seed: 3)
        var vector = VectorCase(
            "decoding", title: "Product of few rows", name: "Product of few rows (\(inputs), \(outputs))")
        vector.add("inputs", inputs)
        vector.add("outputs", outputs)
        vector.add("weight", weight.values)
        vector.add("bias", normal([outputs], seed: 2).values)
        vector.add("x", x.values)
        vector.add("x_bfloat16", x.values.map(roundedToBFloat16))
        vector.add("x_int8", roundedInBlocks(x.values, columns: inputs))
        addPacked(weight, to: &vector)
        return vector
    }

    /// A weight with blocks of nothing but zeros, of one large number, and of numbers that are equal.
    private static func packing() -> VectorCase {
        let (I, O) = (100, 70), weight = normal([I, O], seed: 1)
        weight.withElements { w in
            for p in 0..<I {
                w[p * O] = 0
                w[p * O + 1] = p == 40 ? 1e20 : 1e-20
                w[p * O + 2] = -3
            }
        }
        var vector = VectorCase("packing", title: "Packed weights")
        vector.add("inputs", I)
        vector.add("outputs", O)
        vector.add("weight", weight.values)
        addPacked(weight, to: &vector)
        return vector
    }

    private static func addPacked(_ weight: Tensor, to vector: inout VectorCase) {
        let (I, O) = weight.shape.two
        vector.add("bfloat16", weight.values.map(roundedToBFloat16))
        vector.add("int8_error", largestIntegerErrors(weight.values, inputs: I, outputs: O))
    }

    // MARK: Attention to a cache

    private static var attentions: [@Sendable () -> VectorCase?] {
        var all: [@Sendable () -> VectorCase?] = KernelShapes.cachedAttention.map { shape in
            {
                attention(
                    pasts: Array(repeating: shape.cached, count: shape.B), heads: shape.heads, shared: shape.heads,
                    size: shape.size, new: shape.new)
            }
        }
        for slopes in [nil, [0.5, 0.25, 0.125, 0.0625]] as [[Float]?] {
            for new in [1, 3, 30] {
                all.append { attention(pasts: [69, 0, 8, 63, 32], heads: 4, shared: 2, size: 6, new: new, slopes) }
            }
        }
        return all
    }

    private static func attention(
        pasts: [Int], heads: Int, shared: Int, size: Int, new: Int, _ slopes: [Float]? = nil
    ) -> VectorCase {
        let title =
            "Attention to a cache" + (shared < heads ? " of grouped queries" : "")
            + (slopes == nil ? "" : ", linear biases")
        var vector = VectorCase(
            "cached_attention", title: title, name: "\(title), \(heads) heads of \(size), \(new) after \(pasts)")
        let op = Attention(heads: heads, keyValueHeads: shared, mask: .causal, slopes: slopes)
        var queries: [Float] = [], keys: [Float] = [], values: [Float] = [], output: [Double] = []
        for (i, past) in pasts.enumerated() {
            let parts = [heads, shared, shared].enumerated().map {
                normal([1, past + new, $1 * size], seed: UInt64(3 * i + $0 + 1))
            }
            var builder = DoubleInterpreter()
            output += op.reference(parts.map(DoubleTensor.init), &builder).elements.suffix(new * heads * size)
            queries += parts[0].values.suffix(new * heads * size)
            keys += parts[1].values
            values += parts[2].values
        }
        for (name, number) in [("heads", heads), ("kv_heads", shared), ("size", size), ("new", new)] {
            vector.add(name, number)
        }
        vector.add("pasts", pasts)
        vector.add("queries", queries)
        vector.add("keys", keys)
        vector.add("values", values)
        if let slopes { vector.add("slopes", slopes) }
        vector.add("output", output)
        return vector
    }

    // MARK: Training

    /// Ten steps.
    private static func adamW(count: Int) -> VectorCase {
        var random = Philox(1)
        let start = Tensor.normal([count], deviation: 1, using: &random).values
        var plain = PlainAdamW(start), settings: [Double] = []
        var vector = VectorCase("adamw", title: "AdamW", name: "AdamW (\(count))")
        for step in 1...10 {
            // Gradients of many sizes, and one element that never gets any.
            let gradients = (0..<count).map { $0 == 5 ? 0 : Float(random.nextNormal() * pow(10, Double($0 % 9 - 6))) }
            let update = AdamWUpdate(
                learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, step: step,
                gradientScale: step == 3 ? 0.25 : 1)
            plain.apply(update, gradients)
            let t = Double(step)
            settings += [update.learningRate, update.beta1, update.beta2, update.epsilon, update.weightDecay]
            settings += [1 - pow(update.beta1, t), 1 - pow(update.beta2, t), update.gradientScale]
            vector.add("gradients\(step)", gradients)
        }
        vector.add("start", start)
        vector.add("settings", settings)
        vector.add("parameters", plain.parameters)
        vector.add("moment1", plain.moment1)
        vector.add("moment2", plain.moment2)
        return vector
    }

    /// The element-wise parts of an update.
    private static func muon(count: Int) -> VectorCase {
        let start = normal([count], seed: 4).values, gradients = normal([count], seed: 5).values
        let beta = 0.95, scale = 0.5, keep = 0.99, rate = 0.3
        var vector = VectorCase("muon", title: "Muon", name: "Muon (\(count))")
        vector.add("start", start)
        vector.add("gradients", gradients)
        for (name, number) in [("beta", beta), ("scale", scale), ("keep", keep), ("rate", rate)] {
            vector.add(name, number)
        }
        let steps = gradients.map { (1 - beta) * scale * Double($0) }
        let momentum = zip(start, steps).map { beta * Double($0) + $1 }
        let direction = zip(momentum, steps).map { beta * $0 + $1 }
        vector.add("momentum", momentum)
        vector.add("direction", direction)
        vector.add("parameters", zip(start, direction).map { keep * Double($0) - rate * $1 })
        return vector
    }

    private static func sumOfSquares(count: Int) -> VectorCase {
        let x = normal([count], seed: 3, deviation: 1e3).values
        var vector = VectorCase("sum_of_squares", title: "Sum of squares", name: "Sum of squares (\(count))")
        vector.add("x", x)
        vector.add("sum", x.reduce(0.0) { $0 + Double($1) * Double($1) })
        return vector
    }

    // MARK: Sampling

    private static var samplings: [@Sendable () -> VectorCase?] {
        var all: [@Sendable () -> VectorCase?] = []
        for count in [1, 15, 16, 17, 1024, 1025, 5000] {
            for (temperature, minimum) in [(1.0, 0.0), (0.7, 0.01), (3, 0.5)] {
                all.append {
                    let logits = normal([count], seed: UInt64(count), deviation: 5).values, highest = logits.max() ?? 0
                    let weights = logits.map { logit -> Double in
                        let weight = exp((Double(logit) - Double(highest)) / temperature)
                        return weight >= minimum ? weight : 0
                    }
                    return sampling(logits, highest, temperature, minimum: minimum, weights)
                }
            }
        }
        let (nan, infinity) = (Float.nan, Float.infinity)
        for temperature in [1e-300, 1, 1e300] {
            all.append { sampling([nan, -infinity, 2], 2, temperature, [0, 0, 1]) }
            all.append { sampling([0, infinity, nan], infinity, temperature, [0, 1, 0]) }
        }
        all.append { sampling([1, 2], 2, 1e-300, [0, 1]) }
        all.append { sampling([1, 2], 2, 1e300, [1, 1]) }
        all.append { sampling([-200, 0], 0, 1, [0, 1]) }
        all.append { sampling([nan, nan], -infinity, 1, [0, 0]) }
        all.append {
            sampling(
                [nan, -3] + Array(repeating: nan, count: 30), -3, 1, [0, 1] + Array(repeating: 0, count: 30))
        }
        return all
    }

    private static func sampling(
        _ logits: [Float], _ highest: Float, _ temperature: Double, minimum: Double = 0, _ weights: [Double]
    ) -> VectorCase {
        var vector = VectorCase(
            "sampling", title: "Sampling weights",
            name: "Sampling weights (\(logits.count)) at \(temperature), at least \(minimum)")
        vector.add("logits", logits)
        vector.add("highest", [highest])
        vector.add("temperature", [Float(temperature)])
        vector.add("minimum", [Float(minimum)])
        vector.add("weights", weights)
        return vector
    }

    // MARK: Activations

    /// An activation and its derivative over a sweep of arguments, some of which are not numbers.
    private static func sweep(_ activation: Activation) -> VectorCase {
        var x = (-12000...12000).map { Float($0) / 1000 } + [1e-30, -1e-30, 1e-6, -1e-6, 30, -30, 1e4, -1e4]
        // The derivative of ReLU at 0 is a matter of definition.
        if activation == .relu { x.removeAll { $0 == 0 } }
        x.insert(.nan, at: 1001)
        x.insert(.infinity, at: 2003)
        func apply(_ x: [Double]) -> [Double] {
            var builder = DoubleInterpreter()
            return Activate(activation).reference([DoubleTensor(shape: [x.count], elements: x)], &builder).elements
        }
        let at = x.map(Double.init), y = apply(at), steps = at.map { 1e-5 * max(1, min(abs($0), 1e5)) }
        // A step across the kink of ReLU would be none of its derivatives.
        let small = zip(at, steps).map { activation == .relu ? min($1, abs($0) / 2) : $1 }
        let after = apply(zip(at, small).map(+)), before = apply(zip(at, small).map(-))
        let derivatives = x.indices.map { (after[$0] - before[$0]) / (2 * small[$0]) }
        // What an error of 1 is, so that the tolerance is relative to it.
        let scales: [Double] =
            switch activation {
            case .gelu: at.map { abs($0) + 1e-23 }
            case .silu: y.map { 2 * abs($0) + 1e-23 }
            case .exactGELU: at.map { max(1, abs($0)) }
            case .identity, .relu, .tanh: at.map { _ in 1 }
            }
        var vector = VectorCase("sweep", title: "Activate with \(activation), a sweep")
        vector.add("activation", Int(activation.code))
        vector.add("x", x)
        vector.add("y", y)
        vector.add("scales", scales)
        vector.add("derivatives", derivatives)
        return vector
    }
}
