import Models
import Platform
import Tensors

/// The models once more, put together from the references of their ops, in double and without a tape.
struct ReferenceModel {
    enum Architecture {
        case transformer(TransformerConfiguration)
        case attention
        case bigram
    }

    let architecture: Architecture
    var parameters: [String: DoubleTensor]
    var dropout: (rate: Float, key: UInt64)?

    init(_ architecture: Architecture, of model: any NeuralLanguageModel) {
        self.architecture = architecture
        let named = model.parameters.map { ($0.name, DoubleTensor($0.parameter.value)) }
        parameters = Dictionary(uniqueKeysWithValues: named)
    }

    /// The logits of every position.
    func logits(_ tokens: TokenBatch) -> DoubleTensor {
        var computation = Computation(parameters: parameters, dropout: dropout)
        return computation.logits(architecture, tokens)
    }

    /// The sum of the losses.
    func loss(_ tokens: TokenBatch, targets: [Int32]) -> Double {
        let logits = logits(tokens)
        var interpreter = DoubleInterpreter()
        return CrossEntropy(targets: targets, hasClassifier: false).reference([logits], &interpreter).elements[0]
    }
}

/// What a transformer's parameters are called.
private struct Names {
    let embedding: String
    let positions: String
    let blocks: String
    let norms: (String, String)
    let finalNorm: String
    /// Whether queries, keys and values come of one weight.
    let isJoint: Bool

    static let gpt2 = Names(
        embedding: "transformer.wte.weight", positions: "transformer.wpe.weight", blocks: "transformer.h",
        norms: ("ln_1.", "ln_2."), finalNorm: "transformer.ln_f.", isJoint: true)
    static let llama = Names(
        embedding: "model.embed_tokens.weight", positions: "model.embed_positions.weight", blocks: "model.layers",
        norms: ("input_layernorm.", "post_attention_layernorm."), finalNorm: "model.norm.", isJoint: false)
}

private struct Computation {
    let parameters: [String: DoubleTensor]
    let dropout: (rate: Float, key: UInt64)?
    var interpreter = DoubleInterpreter()
    var dropoutSites: UInt64 = 0

    init(parameters: [String: DoubleTensor], dropout: (rate: Float, key: UInt64)?) {
        self.parameters = parameters
        self.dropout = dropout
    }

    mutating func logits(_ architecture: ReferenceModel.Architecture, _ tokens: TokenBatch) -> DoubleTensor {
        switch architecture {
        case .transformer(let configuration):
            let names = configuration.family == .gpt2 ? Names.gpt2 : .llama
            var x = apply(Embedding(tokens, hasPositions: false), p(names.embedding))
            switch configuration.positions {
            case .learned:
                let places = TokenBatch(
                    batch: tokens.batch, length: tokens.length,
                    ids: (0..<tokens.ids.count).map { Int32($0 % tokens.length) })
                x = interpreter.add(x, apply(Embedding(places, hasPositions: false), p(names.positions)))
            case .sinusoidal: x = interpreter.add(x, sinusoids(tokens.length, configuration.width))
            case .rotary, .linearBiases, .absent: break
            }
            x = dropped(x)
            for layer in 0..<configuration.layers { x = block(configuration, names, "\(names.blocks).\(layer).", x) }
            let hidden = norm(configuration, names.finalNorm, x)
            return classified(hidden, parameters["lm_head.weight"] ?? p(names.embedding))
        case .attention:
            let x = dropped(apply(Embedding(tokens), p("wte.weight"), p("wpe.weight")))
            return classified(dropped(attention("attn.", heads: 1, x)), p("lm_head.weight"))
        case .bigram:
            return apply(Embedding(tokens, hasPositions: false), p("logits.weight"))
        }
    }

    private mutating func block(
        _ c: TransformerConfiguration, _ names: Names, _ name: String, _ x: DoubleTensor
    ) -> DoubleTensor {
        let normed = norm(c, name + names.norms.0, x)
        let attended =
            names.isJoint
            ? attention(name + "attn.", heads: c.heads, normed) : separateAttention(c, name + "self_attn.", normed)
        let middle = interpreter.add(x, dropped(attended))
        let narrow = norm(c, name + names.norms.1, middle)
        let network: DoubleTensor
        if c.feedForward == .swiglu {
            let gate = transposedLinear(name + "mlp.gate_proj.", narrow)
            let silu = DoubleTensor(shape: gate.shape, elements: gate.elements.map { $0 / (1 + exponential(-$0)) })
            let passed = interpreter.multiply(silu, transposedLinear(name + "mlp.up_proj.", narrow))
            network = transposedLinear(name + "mlp.down_proj.", passed)
        } else {
            let wide = linear(name + "mlp.c_fc.", narrow)
            let active = c.feedForward == .relu ? interpreter.maximum(wide, interpreter.constant(0)) : gelu(wide)
            network = linear(name + "mlp.c_proj.", active)
        }
        return interpreter.add(middle, dropped(network))
    }

    private mutating func attention(_ name: String, heads: Int, _ x: DoubleTensor) -> DoubleTensor {
        let mixed = apply(Attention(heads: heads, mask: .causal), linear(name + "c_attn.", x))
        return linear(name + "c_proj.", mixed)
    }

    /// With a weight for each of queries, keys and values: queries and keys are normalised and turned head by head, keys and
    /// values repeated for the heads that share them.
    private mutating func separateAttention(
        _ c: TransformerConfiguration, _ name: String, _ x: DoubleTensor
    ) -> DoubleTensor {
        var vectors = ["q_proj.", "k_proj.", "v_proj."].map { transposedLinear(name + $0, x) }
        for (i, norm) in ["q_norm.", "k_norm."].enumerated() {
            if c.usesQKNorm {
                vectors[i] = apply(RMSNorm(epsilon: Float(c.normEpsilon)), vectors[i], p(name + norm + "weight"))
            }
            if case .rotary(let frequencies) = c.positions {
                let table = AngleTable(
                    .rotary, width: c.headSize, frequencies: frequencies.values(headSize: c.headSize))
                vectors[i] = apply(Rotary(table), vectors[i])
            }
        }
        for i in 1...2 { vectors[i] = repeated(vectors[i], size: c.headSize, times: c.heads / c.keyValueHeads) }
        // Of a power of two of heads: 2^(-8 i / heads).
        let slopes =
            c.positions == .linearBiases
            ? (1...c.heads).map { Float(pow(2, -8 * Double($0) / Double(c.heads))) } : nil
        let mixed = apply(
            Attention(heads: c.heads, mask: .causal, slopes: slopes), vectors[0], vectors[1], vectors[2])
        return transposedLinear(name + "o_proj.", mixed)
    }

    /// Each head of (B, T, heads x size) several times.
    private func repeated(_ x: DoubleTensor, size: Int, times: Int) -> DoubleTensor {
        let heads = stride(from: 0, to: x.elements.count, by: size).map { Array(x.elements[$0..<$0 + size]) }
        return DoubleTensor(
            shape: x.shape.dropLast() + [x.shape[2] * times],
            elements: heads.flatMap { head in (0..<times).flatMap { _ in head } })
    }

    /// sin and cos of each position divided by 10000^(2i / C), in turn, times 0.02: (T, C).
    private func sinusoids(_ length: Int, _ width: Int) -> DoubleTensor {
        let elements = (0..<length * width).map { i -> Double in
            let (position, column) = (i / width, i % width)
            let angle = Double(position) * power(10_000, -Double(column / 2 * 2) / Double(width))
            return 0.02 * (column % 2 == 0 ? sine(angle) : sine(angle + Double.pi / 2))
        }
        return DoubleTensor(shape: [length, width], elements: elements)
    }

    private mutating func linear(_ name: String, _ x: DoubleTensor) -> DoubleTensor {
        biased(name, interpreter.matmul(x, p(name + "weight")))
    }

    private mutating func transposedLinear(_ name: String, _ x: DoubleTensor) -> DoubleTensor {
        biased(name, interpreter.matmul(x, interpreter.transpose(p(name + "weight"), [1, 0])))
    }

    private mutating func biased(_ name: String, _ y: DoubleTensor) -> DoubleTensor {
        parameters[name + "bias"].map { interpreter.add(y, $0) } ?? y
    }

    private mutating func norm(_ c: TransformerConfiguration, _ name: String, _ x: DoubleTensor) -> DoubleTensor {
        let epsilon = Float(c.normEpsilon)
        if c.normalization == .rmsNorm { return apply(RMSNorm(epsilon: epsilon), x, p(name + "weight")) }
        return apply(LayerNorm(epsilon: epsilon), x, p(name + "weight"), p(name + "bias"))
    }

    private mutating func gelu(_ x: DoubleTensor) -> DoubleTensor {
        DoubleTensor(
            shape: x.shape,
            elements: x.elements.map { x in
                let inner = DoubleTensor(shape: [], elements: [0.7978845608028654 * (x + 0.044715 * x * x * x)])
                return x / 2 * (1 + interpreter.tanh(inner).elements[0])
            })
    }

    private mutating func classified(_ hidden: DoubleTensor, _ weight: DoubleTensor) -> DoubleTensor {
        interpreter.matmul(hidden, interpreter.transpose(weight, [1, 0]))
    }

    private mutating func dropped(_ x: DoubleTensor) -> DoubleTensor {
        guard let dropout else { return x }
        dropoutSites += 1
        return apply(Dropout(rate: dropout.rate, key: Philox.key([dropout.key, dropoutSites])), x)
    }

    private mutating func apply(_ operation: any Operation, _ inputs: DoubleTensor...) -> DoubleTensor {
        operation.reference(inputs, &interpreter)
    }

    private func p(_ name: String) -> DoubleTensor {
        guard let parameter = parameters[name] else { fatalError("there is no parameter named \(name)") }
        return parameter
    }
}

extension NeuralLanguageModel {
    /// Replaces the weights, most of which start too near to 0 for a test to see anything, by larger ones.
    func roughen(seed: UInt64 = 1) {
        var random = Philox(seed)
        for (_, parameter) in parameters.map({ ($0.name, $0.parameter) }) {
            let isNormScale = parameter.value.values.allSatisfy { $0 == 1 }
            let size = parameter.value.shape
            let deviation = size.rank == 2 ? 1.5 / Double(max(size[0], size[1])).squareRoot() : 0.3
            parameter.load((0..<size.count).map { _ in Float((isNormScale ? 1 : 0) + deviation * random.nextNormal()) })
        }
    }
}

/// Ids that look random.
func someTokens(batch: Int, length: Int, vocabulary: Int, seed: UInt64 = 7) -> TokenBatch {
    var random = Philox(seed)
    let ids = (0..<batch * length).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) }
    return TokenBatch(batch: batch, length: length, ids: ids)
}

// The system's functions under names that no interpreter's methods hide.
private func exponential(_ x: Double) -> Double { exp(x) }
private func sine(_ x: Double) -> Double { sin(x) }
private func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
