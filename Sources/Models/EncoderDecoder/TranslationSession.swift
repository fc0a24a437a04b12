import Layers
import Tensors

/// The state of the decoder while targets are generated: the encoded source, and the keys and values of the tokens so far.
///
/// The source is encoded once, and its keys and values in every block of the decoder are computed once.
final class TranslationSession {
    private let model: EncoderDecoder
    private let memories: [CrossAttentionBlock.Memory]
    private let cache: KVCache

    /// - Parameters:
    ///   - model: the model.
    ///   - source: the tokens of the source.
    ///   - hypotheses: the number of targets that are generated at the same time.
    init(_ model: EncoderDecoder, source: [Int32], hypotheses: Int) {
        self.model = model
        let pass = ForwardPass(.decoding)
        let encoded = model.encode(TokenBatch(source), pass)
        memories = model.memories(of: encoded, lengths: nil, pass).map { $0.repeated(hypotheses) }
        cache = KVCache(
            batch: hypotheses, capacity: model.configuration.contextLength, width: model.configuration.width,
            layers: model.decoderBlocks.count)
    }

    /// The number of tokens of each hypothesis.
    var length: Int { cache.length }

    /// Appends a token to each hypothesis.
    /// - Returns: the logits of the next token: (hypotheses, V).
    func append(_ tokens: [Int32]) -> Tensor {
        let batch = TokenBatch(batch: tokens.count, length: 1, ids: tokens)
        let hidden = model.decode(batch, memories, ForwardPass(.decoding), cache: cache)
        cache.length += 1
        return model.logits(hidden).reshaped([tokens.count, model.vocabularySize])
    }

    /// Replaces the hypotheses: the new hypothesis i continues the old hypothesis `origins[i]`.
    func select(_ origins: [Int]) {
        guard origins != Array(origins.indices) else { return }
        for layer in cache.layers { layer.select(origins) }
    }
}
