import LanguageModels
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
            var x = dropped(
                apply(Embedding(tokens), p("transformer.wte.weight"), p("transformer.wpe.weight")))
            for layer in 0..<configuration.layers { x = block(configuration, "transformer.h.\(layer).", x) }
            let hidden = norm(configuration, "transformer.ln_f.", x)
            return classified(hidden, parameters["lm_head.weight"] ?? p("transformer.wte.weight"))
        case .attention:
            let x = dropped(apply(Embedding(tokens), p("wte.weight"), p("wpe.weight")))
            return classified(dropped(attention("attn.", heads: 1, x)), p("lm_head.weight"))
        case .bigram:
            return apply(Embedding(tokens, hasPositions: false), p("logits.weight"))
        }
    }

    private mutating func block(_ c: TransformerConfiguration, _ name: String, _ x: DoubleTensor) -> DoubleTensor {
        let attended = dropped(attention(name + "attn.", heads: c.heads, norm(c, name + "ln_1.", x)))
        let middle = interpreter.add(x, attended)
        let wide = linear(name + "mlp.c_fc.", norm(c, name + "ln_2.", middle))
        let active = c.feedForward == .relu ? interpreter.maximum(wide, interpreter.constant(0)) : gelu(wide)
        return interpreter.add(middle, dropped(linear(name + "mlp.c_proj.", active)))
    }

    private mutating func attention(_ name: String, heads: Int, _ x: DoubleTensor) -> DoubleTensor {
        let mixed = apply(Attention(heads: heads, mask: .causal), linear(name + "c_attn.", x))
        return linear(name + "c_proj.", mixed)
    }

    private mutating func linear(_ name: String, _ x: DoubleTensor) -> DoubleTensor {
        interpreter.add(interpreter.matmul(x, p(name + "weight")), p(name + "bias"))
    }

    private mutating func norm(_ c: TransformerConfiguration, _ name: String, _ x: DoubleTensor) -> DoubleTensor {
        apply(LayerNorm(epsilon: Float(c.normEpsilon)), x, p(name + "weight"), p(name + "bias"))
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
