import GPTKit

/// The parts of a model, and what it takes to run it.
struct ModelSummary {
    struct Part {
        var name: String
        /// Shapes, or what else there is to say.
        var form: String
        var count: Int
    }

    let architecture: String
    let parts: [Part]
    /// What the parts are counted in.
    let unit: String
    let context: Int?
    let weightBytes: Int
    /// Keys and values of all layers; nil for a model that keeps none.
    let cacheBytesPerToken: Int?
    /// Floating-point operations for each token that is trained on, with sequences as long as the context; nil for a model
    /// that only looks up. A forward pass alone, as in generation, is a third of it.
    let trainingFlops: Double?

    init(_ model: any LanguageModel) {
        context = model.contextLength
        unit = model is NGramModel ? "counts" : "parameters"
        switch model {
        case let model as Transformer:
            let shape = model.configuration
            architecture = Self.description(of: shape)
            cacheBytesPerToken = 8 * shape.layers * shape.keyValueWidth
            trainingFlops = shape.trainingFlopsPerToken(length: shape.contextLength)
            parts = Self.parts(model, tied: shape.tiesEmbeddings)
        case let model as AttentionModel:
            let shape = model.configuration
            architecture = "one causal attention head, width \(shape.width)"
            cacheBytesPerToken = 8 * shape.width
            let multiplied = model.parameterCount - (shape.vocabularySize + shape.contextLength) * shape.width
            trainingFlops = 6 * Double(multiplied) + 12 * Double(shape.width * shape.contextLength)
            parts = Self.parts(model, tied: false)
        case let model as NGramModel:
            architecture =
                "n-gram counts up to order \(model.order): interpolated Kneser-Ney, "
                + (model.discounting == .modified ? "three discounts per order" : "one discount per order")
            cacheBytesPerToken = nil
            trainingFlops = nil
            parts =
                model.ngramCounts.enumerated().map {
                    Part(name: "\($0 + 1) token\($0 == 0 ? "" : "s")", form: "distinct", count: $1)
                } + [Part(name: "discounts", form: "", count: model.parameterCount - model.ngramCounts.reduce(0, +))]
        case let model as any NeuralLanguageModel:
            architecture = "a table of next-token logits for each token"
            cacheBytesPerToken = nil
            trainingFlops = nil
            parts = Self.parts(model, tied: false)
        default:
            architecture = model.modelType
            cacheBytesPerToken = nil
            trainingFlops = nil
            parts = []
        }
        // A count takes its token, where its followers begin, and itself.
        weightBytes = model is NGramModel ? 12 * model.parameterCount : 4 * model.parameterCount
    }

    private static func description(of shape: TransformerConfiguration) -> String {
        let name =
            switch shape.family {
            case .gpt2: "GPT-2"
            case .llama: "Llama"
            case .qwen3: "Qwen3"
            case nil: "a custom transformer"
            }
        var words = ["\(counted(shape.layers, "layer"))", "\(counted(shape.heads, "head")) of \(shape.headSize)"]
        if shape.keyValueHeads != shape.heads { words.append("\(counted(shape.keyValueHeads, "key/value head"))") }
        words.append("width \(shape.width)")
        let activation =
            switch shape.feedForward {
            case .gelu: "GELU (tanh)"
            case .relu: "ReLU"
            case .swiglu: "SwiGLU"
            }
        words.append("feed-forward \(shape.feedForwardWidth) with \(activation)")
        if shape.family != .gpt2 {
            switch shape.positions {
            case .learned: words.append("learned positions")
            case .sinusoidal: words.append("sinusoidal positions")
            case .rotary: words.append("rotary positions")
            case .absent: words.append("no position encoding")
            }
            words.append(shape.normalization == .rmsNorm ? "RMS norms" : "layer norms")
            if shape.usesQKNorm { words.append("normalized queries and keys") }
        }
        words.append(shape.tiesEmbeddings ? "tied embeddings" : "untied embeddings")
        return name + ": " + words.joined(separator: ", ")
    }

    /// The parameters by what they are for, told by their names.
    private static func parts(_ model: any NeuralLanguageModel, tied: Bool) -> [Part] {
        var parts: [Part] = []
        var layers: [String: Set<Substring>] = [:]
        for named in model.parameters {
            let name = part(of: named.name)
            let pieces = named.name.split(separator: ".")
            if let h = pieces.firstIndex(where: { $0 == "h" || $0 == "layers" }), h + 1 < pieces.count {
                layers[name, default: []].insert(pieces[h + 1])
            }
            let shape = named.parameter.value.shape
            if let i = parts.firstIndex(where: { $0.name == name }) {
                parts[i].count += shape.count
                parts[i].form = ""
            } else {
                parts.append(
                    Part(
                        name: name, form: shape.dimensions.map(String.init).joined(separator: " x "), count: shape.count
                    ))
            }
        }
        for i in parts.indices {
            guard let number = layers[parts[i].name]?.count, number > 0 else { continue }
            if parts[i].count % number == 0 { parts[i].form = "\(number) x \(grouped(parts[i].count / number))" }
        }
        if tied { parts.append(Part(name: "classifier", form: "the token embedding", count: 0)) }
        return parts
    }

    private static func part(of name: String) -> String {
        let kinds = [
            ("wte", "token embedding"), ("wpe", "position embedding"), ("embed_tokens", "token embedding"),
            ("embed_positions", "position embedding"), ("attn", "attention"), ("mlp", "feed-forward"),
            ("lm_head", "classifier"), ("ln_f", "final norm"), ("model.norm", "final norm"), ("ln_", "norms"),
            ("layernorm", "norms"), ("logits", "table of logits"),
        ]
        return kinds.first { name.contains($0.0) }?.1 ?? "other"
    }
}
