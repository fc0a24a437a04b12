import Layers
import Tensors

/// The state of the decoder while targets of several sources are generated: the encoded sources, and the keys and values of
/// the tokens so far.
///
/// Each source is encoded once, by itself, and its keys and values in every block of the decoder are computed once. All
/// hypotheses of a source read them.
final class TranslationSession {
    private let model: EncoderDecoder
    private var memories: [CrossAttentionBlock.Memory]
    private let cache: KVCache

    /// - Parameters:
    ///   - model: the model.
    ///   - sources: the tokens of the sources.
    ///   - hypotheses: the number of targets of each source that are generated at the same time.
    init(_ model: EncoderDecoder, sources: [[Int32]], hypotheses: Int) {
        self.model = model
        let pass = ForwardPass(.decoding)
        let encoded = sources.map { source in
            model.memories(of: model.encode(TokenBatch(source), pass), lengths: nil, pass)
        }
        memories = model.decoderBlocks.indices.map { block in .joined(encoded.map { $0[block] }) }
        cache = KVCache(
            batch: sources.count * hypotheses, capacity: model.configuration.contextLength,
            width: model.configuration.width, layers: model.decoderBlocks.count)
    }

    /// Appends a token to each hypothesis, source by source.
    /// - Returns: the logits of the next token: (sources x hypotheses, V).
    func append(_ tokens: [Int32]) -> Tensor {
        let batch = TokenBatch(batch: tokens.count, length: 1, ids: tokens)
        let hidden = model.decode(batch, memories, ForwardPass(.decoding), cache: cache)
        cache.advance(by: 1)
        return model.logits(hidden).reshaped([tokens.count, model.vocabularySize])
    }

    /// Replaces the hypotheses: the new hypothesis i continues the old hypothesis `origins[i]`.
    /// - Parameters:
    ///   - origins: the numbers of hypotheses among those of all sources.
    ///   - sources: the sources to which they belong; nil for all.
    func select(_ origins: [Int], of sources: [Int]? = nil) {
        if let sources { memories = memories.map { $0.selecting(sources) } }
        guard sources != nil || origins != Array(origins.indices) else { return }
        cache.select(origins)
    }
}
