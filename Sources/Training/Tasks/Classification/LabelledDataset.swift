import Corpus
import Inference
import Models
import Tensors
import Tokenizers

/// Labelled texts as sequences of token ids: what a classifier learns from and is validated on.
public struct LabelledDataset: Sendable {
    /// A text, or two, and the number of its label.
    public struct Example: Sendable {
        public let sequence: TokenSequence
        public let label: Int32
    }

    /// The names of the labels.
    public let labels: [String]
    public let training: [Example]
    public let validation: [Example]
    /// The number of texts that were longer than the context, and truncated.
    public let truncated: Int
    /// The mean number of tokens of a training text.
    public let meanLength: Int
    private let sha256: String

    /// Encodes labelled texts.
    /// - Parameters:
    ///   - training: the texts to learn from.
    ///   - validation: the texts to validate on, with the same labels.
    ///   - tokenizer: their tokenizer.
    ///   - encoder: the model; texts that are longer than its context are truncated.
    /// - Throws: `TokenizerError`, `SequenceError`.
    public init(
        training: LabelledTexts, validation: LabelledTexts, tokenizer: any Tokenizer, encoder: EncoderConfiguration
    ) throws {
        var truncated = 0
        func encode(_ texts: LabelledTexts) throws -> [Example] {
            try texts.examples.map { example in
                let sequence = try tokenizer.encodeSequence(example.text, pair: example.pair, for: encoder)
                // The last token of a text that fills the context may have been the text's last one.
                if sequence.count == encoder.contextLength { truncated += 1 }
                return Example(sequence: sequence, label: Int32(example.label))
            }
        }
        labels = training.labels
        self.training = try encode(training)
        self.validation = try encode(validation)
        self.truncated = truncated
        meanLength = max(1, self.training.reduce(0) { $0 + $1.sequence.count } / max(1, self.training.count))
        sha256 = training.sha256
    }

    /// The examples of a micro-batch. Every example is drawn once before one is drawn again (`Passes`).
    /// - Parameters:
    ///   - first: the number of examples that were drawn before.
    ///   - count: the number of examples.
    ///   - seed: the seed.
    package func batch(from first: Int, count: Int, seed: UInt64) -> [Example] {
        Passes(over: training.count, seed: seed)[first..<first + count].map { training[$0] }
    }

    var record: DataRecord {
        DataRecord(
            hashes: [sha256],
            figures: [
                ("training_examples", .count(training.count)), ("validation_examples", .count(validation.count)),
                ("labels", .count(labels.count)), ("tokens_per_example", .count(meanLength)),
            ])
    }
}
