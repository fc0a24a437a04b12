import Layers

// What a model costs: parameters, arithmetic and memory.
extension ModelSpecification {
    // MARK: Parameters

    /// The number of weights, tied ones once; nil for counts, whose number the text decides.
    public var parameterCount: Int? { parameterCount(in: { $0 }) }

    /// The same in another number type: as a `Double` it cannot overflow, however large the sizes that a person asks for.
    package func parameterCount<Number: Numeric>(in number: (Int) -> Number) -> Number? {
        switch self {
        case .ngram: return nil
        case .bigram(let c): return number(c.vocabularySize) * number(c.vocabularySize)
        case .attention(let c):
            let (V, T, C) = (number(c.vocabularySize), number(c.contextLength), number(c.width))
            return (V + V + T) * C + number(4) * C * (C + number(1))
        case .transformer(let c): return c.parameterCount(in: number)
        case .encoder(let c): return c.parameterCount(in: number)
        case .encoderDecoder(let c): return c.parameterCount(in: number)
        }
    }

    // MARK: Arithmetic

    /// Floating-point operations of training on one token with sequences of `length`: 6 for each parameter in a matrix
    /// product, and 12 C T for each layer of attention (Kaplan et al., 2020). A forward pass is a third of it. nil for a
    /// model that only looks up.
    public func trainingFlopsPerToken(length: Int) -> Double? {
        switch self {
        case .ngram, .bigram: return nil
        case .attention(let c):
            let (V, C) = (Double(c.vocabularySize), Double(c.width))
            return 6 * (V * C + 4 * C * C) + 12 * C * Double(length)
        case .transformer(let c): return c.trainingFlopsPerToken(length: length)
        case .encoder(let c):
            let (C, F) = (Double(c.width), Double(c.feedForwardWidth))
            return Double(c.layers) * (6 * (4 * C * C + 2 * C * F) + 12 * C * Double(length))
        case .encoderDecoder(let c):
            // Of a token of the target, and of one of its source.
            let C = Double(c.width), attention = 6 * 4 * C * C + 12 * C * Double(length)
            func network(_ side: EncoderDecoderConfiguration.Side) -> Double { 12 * C * Double(side.feedForwardWidth) }
            return Double(c.encoder.layers) * (attention + network(c.encoder))
                + Double(c.decoder.layers) * (2 * attention + network(c.decoder)) + 6 * C * Double(c.vocabularySize)
        }
    }

    // MARK: Memory

    /// The numbers that a training step keeps of each token for the backward pass, logits aside.
    package func savedFloatsPerToken(hasDropout: Bool) -> Double {
        switch self {
        case .ngram: return 0
        case .bigram(let c): return 3 * Double(c.vocabularySize)
        case .attention(let c): return 10 * Double(c.width)
        case .transformer(let c):
            // Of each block: two norms, q, k, v (q and k once more where they are changed on the way), the mix of the heads,
            // the wide vectors before and after the activation, and two branches and sums; dropout keeps two more.
            let (C, Q, K) = (Double(c.width), Double(c.queryWidth), Double(c.keyValueWidth))
            let changed = c.positions.kind == .rotary || c.usesQKNorm ? Q + K : 0
            let block = (hasDropout ? 8 : 6) * C + 2 * Q + 2 * K + changed + 2 * Double(c.feedForwardWidth)
            return Double(c.layers) * block + 8 * C
        case .encoder(let c):
            // As above, with sums in place of normalised inputs.
            let block = (hasDropout ? 12 : 10) * Double(c.width) + 2 * Double(c.feedForwardWidth)
            return Double(c.layers) * block + 8 * Double(c.width)
        case .encoderDecoder(let c):
            let C = Double(c.width), others = hasDropout ? 12.0 : 10
            let encoder = others * C + 2 * Double(c.encoder.feedForwardWidth)
            let decoder = 2 * others * C + 2 * Double(c.decoder.feedForwardWidth)
            return Double(c.encoder.layers) * encoder + Double(c.decoder.layers) * decoder + 8 * C
        }
    }

    /// The numbers of the key/value cache for each token; nil for a model without one.
    public var cacheFloatsPerToken: Int? {
        switch self {
        case .ngram, .bigram, .encoder: nil
        case .attention(let c): 2 * c.width
        case .transformer(let c): 2 * c.layers * c.keyValueWidth
        // Of the target, and of the source.
        case .encoderDecoder(let c): 4 * c.decoder.layers * c.width
        }
    }

    /// About how many bytes each sequence takes while it is generated, when its context is full: the key/value cache, what
    /// the tokens of the prompt need in one layer, and a row of logits.
    public var decodingBytes: Int {
        // The widest vectors of a layer that exist at the same time, in numbers per token.
        let (context, perToken): (Int, Double) =
            switch self {
            case .ngram, .bigram: (Self.promptChunkLength, 8 * Double(vocabularySize))
            case .attention(let c): (c.contextLength, 8 * Double(c.width))
            case .transformer(let c):
                (c.contextLength, 8 * Double(max(c.width, c.queryWidth)) + 3 * Double(c.feedForwardWidth))
            case .encoder(let c): (c.contextLength, 8 * Double(c.width) + 3 * Double(c.feedForwardWidth))
            case .encoderDecoder(let c):
                (
                    c.contextLength,
                    16 * Double(c.width) + 3 * Double(max(c.encoder.feedForwardWidth, c.decoder.feedForwardWidth))
                )
            }
        let cache = Double(cacheFloatsPerToken ?? 0)
        let numbers = Double(context) * (cache + perToken) + 4 * Double(vocabularySize)
        return Int(min(4 * numbers, 1e18))
    }
}
