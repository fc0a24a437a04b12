import Layers
import Models
import Tensors
import Training

/// Measures the speed of each op of a transformer, with the shapes of a training step, and of each matrix product in them.
///
/// Each op is repeated with the same operands, so these are in the cache if they fit. Within a training step other ops run
/// in between.
package struct OpBenchmark: Sendable {
    private let configuration: TransformerConfiguration
    private let batch: Int
    private let length: Int

    package init(_ benchmark: Benchmark) {
        configuration = benchmark.configuration
        batch = benchmark.batch
        length = benchmark.length
    }

    /// The median of several runs of an op or a matrix product.
    package struct Result: Sendable {
        package let name: String
        /// The shape of the input of an op; M x K x N for the product of (M, K) and (K, N).
        package let shape: String
        package let pass: Profile.Pass?
        package let seconds: Double
        /// Floating-point operations, if matrix products limit the speed; otherwise 0.
        package let flops: Double
        /// Bytes that are read and written, each element once, if memory limits the speed; otherwise 0.
        package let bytes: Double
    }

    /// The results of one table.
    package struct Section: Sendable {
        package let title: String
        package let results: [Result]
    }

    /// Measures everything, in about `seconds`.
    package func run(seconds: Double) -> [Section] {
        // There are about 80 measurements.
        var bench = Measurement(slice: seconds / 80)
        return [
            Section(title: "Operations of a step of \(batch) x \(length) tokens", results: ops(&bench)),
            Section(title: "Matrix products of a step", results: products(&bench)),
            Section(title: "Matrix products with irregular shapes", results: oddProducts(&bench)),
            Section(
                title: "Products of one row with each matrix of the model, as in generation", results: rows(&bench)),
        ]
    }

    // MARK: Ops

    private func ops(_ bench: inout Measurement) -> [Result] {
        let c = configuration, (V, C, F) = (c.vocabularySize, c.width, c.feedForwardWidth)
        let (B, T, tokens) = (batch, length, batch * length)
        let numbers = 4 * Double(tokens * C)
        let x = bench.variable([B, T, C])
        let ids = TokenBatch(batch: B, length: T, ids: (0..<tokens).map { Int32($0 * 7919 % V) })
        var tables = [bench.variable([V, C])]
        if c.positions == .learned { tables.append(bench.variable([c.contextLength, C])) }
        let embedding = Embedding(ids, hasPositions: c.positions == .learned)
        let tableBytes = 4 * Double(tables.reduce(0) { $0 + $1.value.count })

        var results = bench.op(embedding, tables, bytes: (2 * numbers, numbers + tableBytes))
        let gamma = bench.variable([C])
        results +=
            c.normalization == .layerNorm
            ? bench.op(LayerNorm(epsilon: 1e-5), [x, gamma, bench.variable([C])], bytes: (2 * numbers, 3 * numbers))
            : bench.op(RMSNorm(epsilon: 1e-5), [x, gamma], bytes: (2 * numbers, 3 * numbers))
        for layer in attentionLayers {
            let input = layer.inputs == C ? x : bench.variable([B, T, layer.inputs])
            let weight = bench.variable(layer.shape(transposed: isTransposed))
            let operation = Linear(hasBias: c.biases.contains(.attentionInput), isTransposed: isTransposed)
            let bias = operation.hasBias ? [bench.variable([layer.outputs])] : []
            results += bench.op(operation, [input, weight] + bias)
        }
        if case .rotary(let frequencies) = c.positions {
            let table = AngleTable(.rotary, width: c.headSize, frequencies: frequencies.values(headSize: c.headSize))
            let bytes = 8 * Double(tokens * c.queryWidth)
            results += bench.op(Rotary(table), [bench.variable([B, T, c.queryWidth])], bytes: (bytes, bytes))
        }
        let vectors = isFused ? [3 * C] : [c.queryWidth, c.keyValueWidth, c.keyValueWidth]
        results += bench.op(
            Attention(heads: c.heads, keyValueHeads: c.keyValueHeads, mask: .causal),
            vectors.map { bench.variable([B, T, $0]) })
        if c.feedForward.isGated {
            results += bench.op(
                GatedFeedForward(), [x, bench.variable([F, C]), bench.variable([F, C]), bench.variable([C, F])])
        } else {
            results += bench.op(
                FeedForward(activation: c.feedForward.activation),
                [x, bench.variable([C, F]), bench.variable([F]), bench.variable([F, C]), bench.variable([C])])
        }
        results += bench.op(Add(), [x, bench.variable([B, T, C])], bytes: (3 * numbers, 0))
        results += bench.op(Dropout(rate: 0.1, key: 1), [x], bytes: (2 * numbers, 2 * numbers))
        results += bench.loss(CrossEntropy(targets: ids.ids), [x, tables[0]])
        results += bench.optimizer(parameters: min(c.parameterCount, 1 << 25))
        return results
    }

    // MARK: Matrix products

    /// A linear layer of a block.
    private struct Layer {
        let name: String
        let inputs: Int
        let outputs: Int

        /// The shape of its weight.
        func shape(transposed: Bool) -> Shape { transposed ? [outputs, inputs] : [inputs, outputs] }
    }

    /// Whether one weight computes queries, keys and values, as in GPT-2.
    private var isFused: Bool { configuration.family == .gpt2 }

    /// Whether weights are stored (outputs, inputs).
    private var isTransposed: Bool { configuration.family != .gpt2 }

    private var attentionLayers: [Layer] {
        let (C, Q, K) = (configuration.width, configuration.queryWidth, configuration.keyValueWidth)
        let input =
            isFused
            ? [Layer(name: "attention, in", inputs: C, outputs: 3 * C)]
            : [
                Layer(name: "attention, queries", inputs: C, outputs: Q),
                Layer(name: "attention, keys", inputs: C, outputs: K),
            ]
        return input + [Layer(name: "attention, out", inputs: Q, outputs: C)]
    }

    private var layers: [Layer] {
        let (C, F) = (configuration.width, configuration.feedForwardWidth)
        return attentionLayers + [
            Layer(name: "feed-forward, in", inputs: C, outputs: F),
            Layer(name: "feed-forward, out", inputs: F, outputs: C),
        ]
    }

    /// The products of the layers, each with a weight (k, n), for m tokens, and those of the classifier.
    private func products(_ bench: inout Measurement) -> [Result] {
        let (V, C) = (configuration.vocabularySize, configuration.width), m = batch * length
        var results = layers.flatMap { bench.layouts($0.name, m: m, k: $0.inputs, n: $0.outputs) }
        // The loss is computed for this number of rows at a time.
        let chunks = RowChunks(rows: m, columns: V, elements: CrossEntropy.chunkElements)
        results += bench.classifier(m: chunks.size, C: C, V: V)
        return results
    }

    /// Shapes that are no multiples of the tile of a kernel.
    private func oddProducts(_ bench: inout Measurement) -> [Result] {
        [(33, 200, 257), (63, 127, 65), (100, 200, 800), (257, 33, 1000), (1025, 511, 1023)].flatMap {
            bench.layouts("", m: $0.0, k: $0.1, n: $0.2)
        }
    }

    /// The product of one token with each matrix of a model, in each format.
    private func rows(_ bench: inout Measurement) -> [Result] {
        let shapes = layers.map { $0.shape(transposed: isTransposed) }
        let weights = (0..<configuration.layers).map { _ in shapes.map { bench.parameter($0) } }
        let classifier = bench.parameter([configuration.vocabularySize, configuration.width])
        return WeightFormat.allCases.flatMap {
            bench.decoding(weights, transposed: isTransposed, classifier, $0)
        }
    }
}

/// Runs operations several times and computes the median of their times.
private struct Measurement {
    /// The duration of each measurement in seconds.
    let slice: Double
    private var random = Philox(1)

    init(slice: Double) { self.slice = slice }

    mutating func tensor(_ shape: Shape) -> Tensor { .normal(shape, deviation: 0.5, using: &random) }

    mutating func parameter(_ shape: Shape) -> Parameter { Parameter(tensor(shape)) }

    mutating func variable(_ shape: Shape) -> Variable { Variable(tensor(shape), needsGradient: true) }

    /// The medians of the times that `body` returns, over at least three runs after one that is not timed.
    private func medians(_ body: () -> [Double]) -> [Double] {
        let count = body().count
        var runs: [[Double]] = []
        let start = ContinuousClock.now
        while runs.count < 3 || ContinuousClock.now - start < .seconds(slice * Double(count)) { runs.append(body()) }
        return (0..<count).map { i in runs.map { $0[i] }.sorted()[runs.count / 2] }
    }

    private func median(_ body: () -> Void) -> Double { medians { [time(body)] }[0] }

    private func time(_ body: () -> Void) -> Double { ContinuousClock().measure(body) / .seconds(1) }

    /// An op forward and backward, recorded on a tape as in a step.
    mutating func op<Op: Operation>(
        _ operation: Op, _ inputs: [Variable], bytes: (forward: Double, backward: Double) = (0, 0)
    ) -> [Result] {
        let gradient = tensor(Tape(.inference).apply(operation, inputs).value.shape)
        let times = medians {
            let tape = Tape()
            var output: Variable?
            let forward = time { output = tape.apply(operation, inputs) }
            output?.gradient = gradient
            let backward = time { tape.backward() }
            for input in inputs { input.gradient = nil }
            return [forward, backward]
        }
        let shapes = inputs.map(\.value.shape)
        let flops = operation.flops(shapes)
        // The weight identifies a linear layer.
        let shape = operation is Linear ? shapes[1] : shapes[0]
        return [
            Result(
                name: "\(Op.self)", shape: "\(shape)", pass: .forward, seconds: times[0], flops: flops,
                bytes: bytes.forward),
            Result(
                name: "\(Op.self)", shape: "\(shape)", pass: .backward, seconds: times[1], flops: 2 * flops,
                bytes: bytes.backward),
        ]
    }

    /// A loss without its gradients, and with them.
    func loss(_ loss: CrossEntropy, _ inputs: [Variable]) -> [Result] {
        let values = inputs.map(\.value), flops = loss.flops(values.map(\.shape)), shape = "\(values[1].shape)"
        let forward = median { _ = loss.evaluate(values, gradient: nil) }
        let both = median {
            _ = loss.evaluate(values, gradient: (1e-3, inputs.map(\.slot)))
            for input in inputs { input.gradient = nil }
        }
        return [
            Result(name: "CrossEntropy", shape: shape, pass: .forward, seconds: forward, flops: flops, bytes: 0),
            Result(name: "CrossEntropy", shape: shape, pass: .both, seconds: both, flops: 3 * flops, bytes: 0),
        ]
    }

    /// The end of a step: the norm of the gradients, and the update.
    mutating func optimizer(parameters: Int) -> [Result] {
        let shape: Shape = [parameters]
        let parameter = parameter(shape)
        let gradient = tensor(shape), moment1 = Tensor(shape), moment2 = Tensor(shape)
        let update = AdamWUpdate(
            learningRate: 1e-4, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, step: 1, gradientScale: 1)
        let norm = median { _ = gradient.sumOfSquares() }
        let step = median { update.apply(parameter, gradient: gradient, moment1: moment1, moment2: moment2) }
        let bytes = 4 * Double(parameters)
        return [
            Result(name: "gradient norm", shape: "\(shape)", pass: nil, seconds: norm, flops: 0, bytes: bytes),
            // Four arrays are read, and three of them are written.
            Result(name: "AdamW", shape: "\(shape)", pass: nil, seconds: step, flops: 0, bytes: 7 * bytes),
        ]
    }

    /// The three products of a layer y = x W: x (m, k), W (k, n).
    mutating func layouts(_ layer: String, m: Int, k: Int, n: Int) -> [Result] {
        let x = tensor([m, k]), weight = tensor([k, n]), y = tensor([m, n]), dX = tensor([m, k]),
            dWeight = tensor([k, n])
        let name = layer.isEmpty ? "" : layer + ": "
        return [
            product(name + "y = x W", Matrix(x), Matrix(weight), into: Matrix(y)),
            product(name + "dX = dY W'", Matrix(y), Matrix(weight).transposed, into: Matrix(dX)),
            product(name + "dW = x' dY", Matrix(x).transposed, Matrix(y), into: Matrix(dWeight)),
        ]
    }

    /// The three products of a classifier z = h W': h (m, C), W (V, C).
    mutating func classifier(m: Int, C: Int, V: Int) -> [Result] {
        let h = tensor([m, C]), weight = tensor([V, C]), z = tensor([m, V]), dH = tensor([m, C]),
            dWeight = tensor([V, C])
        return [
            product("classifier: z = h W'", Matrix(h), Matrix(weight).transposed, into: Matrix(z)),
            product("classifier: dH = dZ W", Matrix(z), Matrix(weight), into: Matrix(dH)),
            product("classifier: dW = dZ' h", Matrix(z).transposed, Matrix(h), into: Matrix(dWeight)),
        ]
    }

    private func product(_ name: String, _ a: Matrix, _ b: Matrix, into c: Matrix) -> Result {
        Result(
            name: name, shape: "\(a.rows) x \(a.columns) x \(b.columns)", pass: nil,
            seconds: median { MatrixProduct.multiply(a, b, into: c) },
            flops: 2 * Double(a.rows) * Double(a.columns) * Double(b.columns), bytes: 0)
    }

    /// The products of one token with the weights of all layers, averaged over the layers, and with a classifier.
    mutating func decoding(
        _ layers: [[Parameter]], transposed: Bool, _ classifier: Parameter, _ format: WeightFormat
    ) -> [Result] {
        var execution = Execution.current
        execution.weightFormat = format
        /// The inputs and outputs of a weight; the classifier is the last.
        func sizes(_ i: Int) -> (inputs: Int, outputs: Int) {
            let (rows, columns) = (i == layers[0].count ? classifier : layers[0][i]).value.shape.two
            return transposed || i == layers[0].count ? (columns, rows) : (rows, columns)
        }
        let inputs = (0...layers[0].count).map { tensor([1, sizes($0).inputs]) }
        let times = Execution.$current.withValue(execution) {
            medians {
                var times = [Double](repeating: 0, count: inputs.count)
                for weights in layers {
                    for (i, weight) in weights.enumerated() {
                        let seconds = time { _ = DecodingProduct.apply(inputs[i], weight, transposed: transposed) }
                        times[i] += seconds / Double(layers.count)
                    }
                }
                times[inputs.count - 1] = time {
                    _ = DecodingProduct.apply(inputs[inputs.count - 1], classifier, transposed: true)
                }
                return times
            }
        }
        return inputs.indices.map { i in
            let (inputs, outputs) = sizes(i)
            return Result(
                name: "\(format.rawValue): " + (i == layers[0].count ? "z = h W'" : "y = x W"),
                shape: "1 x \(inputs) x \(outputs)", pass: nil, seconds: times[i], flops: 0,
                bytes: format.bytesPerWeight * Double(inputs * outputs))
        }
    }

    fileprivate typealias Result = OpBenchmark.Result
}
