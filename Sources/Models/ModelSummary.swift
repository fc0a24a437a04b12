import Layers

/// A model described for people: its architecture, its parts, and what it costs.
public struct ModelSummary {
    /// Parameters that belong together.
    public struct Part {
        public var name: String
        /// How many numbers.
        public var count: Int
        public var form: Form

        /// What the numbers are.
        public enum Form {
            /// One tensor of this shape.
            case tensor([Int])
            /// As many in each of several layers.
            case layers(Int)
            /// Several tensors.
            case mixed
            /// The token embedding, which is counted there.
            case tied
            /// Different n-grams.
            case distinct
        }
    }

    /// The architecture in words.
    public let architecture: String
    public let parts: [Part]
    /// What the parts are counted in: "parameters" or "counts".
    public let unit: String
    public let context: Int?
    public let parameterCount: Int
    public let weightBytes: Int
    /// Keys and values of all layers; nil for a model without a cache.
    public let cacheBytesPerToken: Int?
    /// Floating-point operations for each token in training, with sequences as long as the context; nil for a model that
    /// only looks up. A forward pass, as in generation, is a third of it.
    public let trainingFlopsPerToken: Double?

    public init(_ model: any Model) {
        context = model.contextLength
        parameterCount = model.parameterCount
        cacheBytesPerToken = model.specification?.cacheFloatsPerToken.map { 4 * $0 }
        trainingFlopsPerToken = model.contextLength.flatMap { model.specification?.trainingFlopsPerToken(length: $0) }
        switch model.form {
        case .counted(let model):
            let discounts = model.discounting == .modified ? "three discounts" : "one discount"
            architecture = "n-gram counts up to order \(model.order): interpolated Kneser-Ney, \(discounts) per order"
            unit = "counts"
            parts =
                model.ngramCounts.enumerated().map { number, count in
                    Part(name: "\(number + 1) token\(number == 0 ? "" : "s")", count: count, form: .distinct)
                } + [
                    Part(
                        name: "discounts", count: model.parameterCount - model.ngramCounts.reduce(0, +), form: .mixed)
                ]
            // A count takes its token, where its followers begin, and itself.
            weightBytes = 12 * model.parameterCount
        case .neural(let model):
            architecture = model.specification?.architecture ?? model.modelType
            unit = "parameters"
            parts = Self.parts(of: model)
            weightBytes = 4 * model.parameterCount
        case .encoder, .encoderDecoder:
            architecture = model.specification?.architecture ?? model.modelType
            unit = "parameters"
            parts = model.trainable.map(Self.parts) ?? []
            weightBytes = 4 * model.parameterCount
        case .other:
            (architecture, unit, parts) = (model.modelType, "parameters", [])
            weightBytes = 4 * model.parameterCount
        }
    }

    /// The parameters by what they are for, which their names say.
    private static func parts(of model: any TrainableModel) -> [Part] {
        var parts: [Part] = []
        var layers: [String: Set<String>] = [:], others: Set<String> = []
        for named in model.parameters {
            let name = part(of: named.name)
            let path = named.name.split(separator: ".")
            if let h = path.firstIndex(where: { ["h", "layer", "layers"].contains($0) }), h + 1 < path.count {
                layers[name, default: []].insert(path[...(h + 1)].joined(separator: "."))
            } else {
                others.insert(name)
            }
            let shape = named.parameter.value.shape
            if let i = parts.firstIndex(where: { $0.name == name }) {
                parts[i].count += shape.count
                parts[i].form = .mixed
            } else {
                parts.append(Part(name: name, count: shape.count, form: .tensor(shape.dimensions)))
            }
        }
        for i in parts.indices {
            let name = parts[i].name
            guard let number = layers[name]?.count, !others.contains(name), parts[i].count % number == 0 else {
                continue
            }
            parts[i].form = .layers(number)
        }
        if case .transformer(let c) = model.specification, c.tiesEmbeddings {
            parts.append(Part(name: "classifier", count: 0, form: .tied))
        }
        return parts
    }

    private static func part(of name: String) -> String {
        let kinds = [
            ("word_embeddings", "token embedding"), ("position_embeddings", "position embedding"),
            ("token_type_embeddings", "type embedding"), ("LayerNorm", "norms"), ("pooler", "pooler"),
            ("cls.predictions", "head for masked tokens"), ("layernorm", "norms"), ("attention", "attention"),
            ("dense", "feed-forward"),
            ("classifier", "classifier"), ("model.shared", "token embedding"), ("final_logits_bias", "classifier"),
            ("layer_norm", "norms"), ("encoder_attn", "cross-attention"), ("fc1", "feed-forward"),
            ("fc2", "feed-forward"),
            ("wte", "token embedding"), ("wpe", "position embedding"), ("embed_tokens", "token embedding"),
            ("embed_positions", "position embedding"), ("attn", "attention"), ("mlp", "feed-forward"),
            ("lm_head", "classifier"), ("ln_f", "final norm"), ("model.norm", "final norm"), ("ln_", "norms"),
            ("layernorm", "norms"), ("logits", "table of logits"),
        ]
        return kinds.first { name.contains($0.0) }?.1 ?? "other"
    }
}

extension ModelSpecification {
    /// The architecture in words: the family or kind, and everything that decides its size.
    public var architecture: String {
        switch self {
        case .ngram(let c): "n-gram counts up to order \(c.order)"
        case .bigram: "a table of next-token logits for each token"
        case .attention(let c): "one causal attention head, width \(c.width)"
        case .transformer(let c): c.architecture
        case .encoder(let c): c.architecture
        case .encoderDecoder(let c): c.architecture
        }
    }
}

private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

extension FeedForwardKind {
    fileprivate var words: String {
        switch self {
        case .gelu: "GELU (tanh)"
        case .exactGELU: "GELU"
        case .relu: "ReLU"
        case .silu: "SiLU"
        case .swiglu: "SwiGLU"
        }
    }
}

extension EncoderConfiguration {
    fileprivate var architecture: String {
        let purpose =
            switch head {
            case .none: "an encoder"
            case .classifier(let labels): "a classifier of \(labels.count) labels"
            case .maskedTokens: "a masked language model"
            }
        return "BERT, \(purpose): \(counted(layers, "layer")), \(counted(heads, "head")) of \(width / heads), width "
            + "\(width), feed-forward \(feedForwardWidth) with \(feedForward.words), learned positions, layer norms"
    }
}

extension EncoderDecoderConfiguration {
    fileprivate var architecture: String {
        func words(_ side: Side) -> String {
            "\(counted(side.layers, "layer")), \(counted(side.heads, "head")) of \(width / side.heads), feed-forward "
                + "\(side.feedForwardWidth)"
        }
        return "Marian, an encoder (\(words(encoder))) and a decoder (\(words(decoder))), width \(width), "
            + "\(feedForward.words), sinusoidal positions, tied embeddings"
    }
}

extension TransformerConfiguration {
    fileprivate var architecture: String {
        var words = [counted(layers, "layer"), "\(counted(heads, "head")) of \(headSize)"]
        if keyValueHeads != heads { words.append(counted(keyValueHeads, "key/value head")) }
        words.append("width \(width)")
        words.append("feed-forward \(feedForwardWidth) with \(feedForward.words)")
        if family != .gpt2 {
            switch positions {
            case .learned: words.append("learned positions")
            case .sinusoidal: words.append("sinusoidal positions")
            case .rotary: words.append("rotary positions")
            case .linearBiases: words.append("linear position biases (ALiBi)")
            case .absent: words.append("no position encoding")
            }
            words.append(normalization == .rmsNorm ? "RMS norms" : "layer norms")
            if usesQKNorm { words.append("normalized queries and keys") }
        }
        words.append(tiesEmbeddings ? "tied embeddings" : "untied embeddings")
        return (family?.options.title ?? "a custom transformer") + ": " + words.joined(separator: ", ")
    }
}
