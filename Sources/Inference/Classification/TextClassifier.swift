import Interchange
import Models
import Platform
import Tensors
import Tokenizers

/// A classifier and its tokenizer: the probabilities of labels for texts.
///
/// ```swift
/// let classifier = try TextClassifier(ModelDirectory.load("reviews"))
/// for result in try classifier.classify(["a joy to watch"]) { print(result.label, result.probability) }
/// ```
public struct TextClassifier {
    /// The probabilities of the labels for a text: softmax(logits).
    public struct Result: Sendable {
        /// The names of the labels.
        public let labels: [String]
        /// The probability of each label, in the order of `labels`.
        public let probabilities: [Double]
        /// The number of the most probable label; of those that are equally probable, the first.
        public let best: Int

        public var label: String { labels[best] }
        public var probability: Double { probabilities[best] }
    }

    /// The names of the labels.
    public let labels: [String]
    /// The longest sequence in tokens. Longer texts are truncated.
    public let contextLength: Int
    private let encoder: Encoder
    private let tokenizer: any Tokenizer

    /// The number of texts that are computed at the same time. Shorter texts cost less, since nothing is padded.
    package static let batch = 32

    /// - Throws: if the model is no classifier, has no tokenizer that can be used, or has weights that are not finite.
    public init(_ saved: SavedModel) throws {
        guard let encoder = saved.model.encoder, !encoder.configuration.labels.isEmpty else {
            throw ModelError(
                path: saved.path,
                reason:
                    "it is a model of type '\(saved.model.modelType)' without labels, which cannot classify texts; give a "
                    + "model that was trained with labels (BertForSequenceClassification)")
        }
        try saved.requireFiniteWeights()
        self.init(encoder, tokenizer: try saved.tokenizer)
    }

    /// - Precondition: the encoder has labels.
    public init(_ encoder: Encoder, tokenizer: any Tokenizer) {
        self.encoder = encoder
        self.tokenizer = tokenizer
        labels = encoder.configuration.labels
        contextLength = encoder.configuration.contextLength
    }

    /// The ids of a text, or of two; a text that is longer than the context is truncated.
    /// - Throws: `TokenizerError` for a character that the tokenizer cannot encode, `SequenceError`.
    public func encode(_ text: String, pair: String? = nil) throws -> TokenSequence {
        try tokenizer.encodeSequence(text, pair: pair, for: encoder.configuration)
    }

    /// The probabilities of the labels for each text.
    /// - Parameters:
    ///   - texts: texts; one that is longer than the context of the model is truncated.
    ///   - pairs: the second text of each, for a model of pairs of texts.
    /// - Throws: `TokenizerError`, for a character that the tokenizer cannot encode.
    public func classify(_ texts: [String], pairs: [String?]? = nil) throws -> [Result] {
        try classify(texts.indices.map { try encode(texts[$0], pair: pairs?[$0]) })
    }

    /// The probabilities of the labels for each sequence. They do not depend on the other sequences.
    public func classify(_ sequences: [TokenSequence]) -> [Result] {
        stride(from: 0, to: sequences.count, by: Self.batch).flatMap { start in
            let part = sequences[start..<min(start + Self.batch, sequences.count)]
            let batch = SequenceBatch(part)
            let logits = encoder.classify(batch.tokens, types: batch.types).values  // (B, labels)
            return part.indices.map { row in
                let first = (row - start) * labels.count
                return result(logits[first..<first + labels.count])
            }
        }
    }

    private func result(_ logits: ArraySlice<Float>) -> Result {
        let highest = Double(logits.max() ?? 0)
        let exponentials = logits.map { exp(Double($0) - highest) }
        let total = exponentials.reduce(0, +)
        let best = logits.indices.max { logits[$0] < logits[$1] } ?? logits.startIndex
        return Result(
            labels: labels, probabilities: exponentials.map { $0 / total }, best: best - logits.startIndex)
    }
}
