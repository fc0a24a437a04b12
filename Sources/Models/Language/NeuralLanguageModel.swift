import Layers
import Tensors

/// A language model that learns by gradient descent.
///
/// It defines how hidden vectors are computed from tokens, and the classifier that turns them into logits. Loss,
/// gradients, evaluation and generation follow from these.
public protocol NeuralLanguageModel: LanguageModel, TrainableModel {
    /// The last hidden vectors (B, T, C) of a batch, or its logits (B, T, V) without a classifier. With a cache, which
    /// is for generation only, the tokens follow those in the cache.
    func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable
    /// The classifier W (V, C): logits = hidden W'.
    var classifier: Parameter? { get }
    /// A cache of one sequence for this model's layers.
    func makeCache() -> KVCache
}

extension NeuralLanguageModel {
    public var form: ModelForm { .neural(self) }

    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

    /// The sum of the losses of a batch, in nats. With `scale`, the gradient of scale times that sum is added to
    /// `gradient` of each parameter.
    /// - Parameters:
    ///   - tokens: (B, T).
    ///   - targets: the B T tokens that follow them; a target below 0 is ignored.
    ///   - scale: 1 over the number of targets for the gradient of the mean; nil if no gradient is needed.
    ///   - dropout: the rate, and a key that no other pass of the run has.
    @discardableResult
    public func loss(
        _ tokens: TokenBatch, targets: [Int32], gradientScale scale: Float? = nil,
        dropout: (rate: Float, key: UInt64)? = nil
    ) -> Double {
        // If only packed weights have the numbers of the format, the model is evaluated as it generates.
        if scale == nil, Execution.current.weightFormat.productPrecision == nil {
            return decodedLoss(tokens, targets: targets)
        }
        let pass = ForwardPass(scale == nil ? .inference : .recording, dropout: dropout)
        let output = hidden(tokens, pass, cache: nil)
        let loss = CrossEntropy(targets: targets, hasClassifier: classifier != nil)
        let inputs = [output] + (classifier.map { [$0] } ?? [])
        return pass.evaluate(loss, inputs, gradientScale: scale)
    }

    /// The logits of every position (B, T, V).
    public func logits(_ tokens: TokenBatch) -> Tensor {
        classify(hidden(tokens, ForwardPass(.inference), cache: nil).value)
            .reshaped([tokens.batch, tokens.length, vocabularySize])
    }

    /// Logits (rows, V) of hidden vectors (rows..., C).
    fileprivate func classify(_ hidden: Tensor) -> Tensor {
        let logits = classifier.map { DecodingProduct.apply(hidden, $0, transposed: true) } ?? hidden
        return logits.reshaped([hidden.shape.rows, vocabularySize])
    }

    /// The sum of the losses of a batch, computed as in generation. Logits exist for a chunk of rows at a time.
    private func decodedLoss(_ tokens: TokenBatch, targets: [Int32]) -> Double {
        let hidden = hidden(tokens, ForwardPass(.decoding), cache: nil).value
        let chunk = max(1, (1 << 24) / vocabularySize)
        return stride(from: 0, to: targets.count, by: chunk).reduce(0) { total, first in
            let rows = first..<min(first + chunk, targets.count)
            let loss = CrossEntropy(targets: Array(targets[rows]), hasClassifier: false)
            return total + loss.evaluate([classify(hidden.rows(rows))], gradient: nil)
        }
    }

    public func evaluate<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation? where Tokens.Index == Int {
        let length = evaluationLength
        let windows = windows ?? EvaluationWindows(tokenCount: tokens.count, length: length)
        var result = Evaluation(total: 0, count: 0)
        for (inputs, targets) in windows.batches(tokens, size: max(1, 2048 / length)) {
            if shouldStop() { return nil }
            result += Evaluation(total: loss(inputs, targets: targets), count: targets.count { $0 >= 0 })
        }
        return result
    }

    public func startDecoding() -> any DecodingSession { NeuralDecodingSession(model: self, cache: makeCache()) }

    public func append(_ tokens: [Int32], to sessions: [any DecodingSession]) -> Tensor {
        precondition(tokens.count == sessions.count, "\(tokens.count) tokens for \(sessions.count) sequences")
        let caches = sessions.map { session in
            guard let session = session as? NeuralDecodingSession, session.model === self else {
                preconditionFailure("a session of another model")
            }
            return session.cache
        }
        let joined = caches.count == 1 ? caches[0] : KVCache(joining: caches)
        let logits = Execution.with(.asSteps) {
            classify(decode(TokenBatch(batch: tokens.count, length: 1, ids: tokens), joined))  // (B, V)
        }
        if caches.count > 1 { for cache in caches { cache.advance(by: 1) } }
        return logits
    }

    /// The last hidden vectors (B, T, C) of tokens that follow those in the cache, to which they are appended.
    fileprivate func decode(_ tokens: TokenBatch, _ cache: KVCache) -> Tensor {
        precondition(cache.length + tokens.length <= contextLength ?? .max, "the context is full")
        let hidden = hidden(tokens, ForwardPass(.decoding), cache: cache).value
        cache.advance(by: tokens.length)
        return hidden
    }
}

/// Decoding with a cache: each call processes only the new tokens.
private final class NeuralDecodingSession: DecodingSession {
    let model: any NeuralLanguageModel
    let cache: KVCache

    init(model: any NeuralLanguageModel, cache: KVCache) {
        self.model = model
        self.cache = cache
    }

    var length: Int { cache.length }

    func append(_ tokens: [Int32]) -> Tensor {
        let hidden = model.decode(TokenBatch(tokens), cache)  // (1, T, C)
        // One row, whatever the product of the rows before it.
        return Execution.with(.asSteps) { model.classify(hidden.lastPosition()) }.reshaped([model.vocabularySize])
    }

    func copy(length: Int) -> (any DecodingSession)? {
        NeuralDecodingSession(model: model, cache: KVCache(copying: cache, length: length))
    }

    func clear() { cache.clear() }
}

extension Tensor {
    /// A range of the rows, which are the vectors along the last dimension.
    fileprivate func rows(_ range: Range<Int>) -> Tensor {
        if range.count == shape.rows { return self }
        let C = shape.columns, part = Tensor(uninitialized: [range.count, C])
        withElements { all in
            part.withElements { part in
                _ = part.update(fromContentsOf: all[range.lowerBound * C..<range.upperBound * C])
            }
        }
        return part
    }

    /// The vector of the last position of one sequence: (1, T, C) to (1, C).
    fileprivate func lastPosition() -> Tensor {
        let (_, T, C) = shape.three
        return rows(T - 1..<T).reshaped([1, C])
    }
}
