import Corpus
import Inference
import Tokenizers

/// Pairs of texts as sequences of token ids: what a translation model learns from and is validated on.
public struct PairDataset: Sendable {
    /// A source and its target, each with the token that ends it.
    public struct Example: Sendable, Hashable {
        public let source: [Int32]
        public let target: [Int32]

        /// The number of ids of both.
        public var count: Int { source.count + target.count }
    }

    public let training: [Example]
    public let validation: [Example]
    /// The texts of the validation pairs, in the order of `validation`.
    public let validationTexts: [TextPairs.Pair]
    /// The numbers of pairs that are left out because the source or the target is longer than the context.
    public let leftOut: (training: Int, validation: Int)
    /// The mean number of ids of a training pair, of the source and the target together.
    public let meanLength: Int
    private let hashes: [String]

    /// Encodes pairs.
    /// - Parameters:
    ///   - training: the pairs to learn from.
    ///   - validation: the pairs to validate on.
    ///   - tokenizer: the tokenizer of sources and targets.
    ///   - endToken: the token that ends a target of the model.
    ///   - contextLength: the longest source, and the longest target, with the tokens of the template. Longer pairs are left out.
    /// - Throws: `TrainingError`: a character that the tokenizer has no token for, or no pair that is short enough.
    public init(
        training: TextPairs, validation: TextPairs, tokenizer: any Tokenizer, endToken: Int32, contextLength: Int
    ) throws {
        let encoder = PairEncoder(tokenizer, end: endToken)
        var leftOut = (training: 0, validation: 0)
        func encode(
            _ pairs: TextPairs, counting count: inout Int
        ) throws -> [(example: Example, pair: TextPairs.Pair)] {
            var encoded: [(Example, TextPairs.Pair)] = []
            encoded.reserveCapacity(pairs.pairs.count)
            for (number, pair) in pairs.pairs.enumerated() {
                func ids(_ text: String, _ column: String) throws -> [Int32] {
                    do { return try encoder.ids(of: text) } catch let error as TokenizerError {
                        throw TrainingError.setting("\(pairs.name): the \(column) of pair \(number + 1): \(error)")
                    }
                }
                let example = Example(
                    source: try ids(pair.source, "source"), target: try ids(pair.target, "target"))
                if max(example.source.count, example.target.count) > contextLength {
                    count += 1
                } else {
                    encoded.append((example, pair))
                }
            }
            if encoded.isEmpty {
                throw TrainingError.setting(
                    pairs.pairs.isEmpty
                        ? "\(pairs.name): there are too few pairs to train and to validate with; give two or more "
                            + "different ones"
                        : "\(pairs.name): every pair is longer than the context of \(contextLength) tokens; choose a larger "
                            + "context or a larger vocabulary")
            }
            return encoded
        }
        self.training = try encode(training, counting: &leftOut.training).map(\.example)
        let encoded = try encode(validation, counting: &leftOut.validation)
        self.validation = encoded.map(\.example)
        validationTexts = encoded.map(\.pair)
        self.leftOut = leftOut
        meanLength = max(1, self.training.reduce(0) { $0 + $1.count } / self.training.count)
        hashes = training.sha256 == validation.sha256 ? [training.sha256] : [training.sha256, validation.sha256]
    }

    /// Splits and encodes pairs.
    /// - Parameters:
    ///   - pairs: the pairs.
    ///   - tokenizer: the tokenizer of sources and targets.
    ///   - endToken: the token that ends a target of the model.
    ///   - validation: the share of the pairs that is for validation.
    ///   - contextLength: the longest source, and the longest target. Longer pairs are left out.
    ///   - seed: decides which pairs are for validation.
    /// - Throws: `TrainingError`.
    public init(
        _ pairs: TextPairs, tokenizer: any Tokenizer, endToken: Int32, validation: Double, contextLength: Int,
        seed: UInt64
    ) throws {
        let parts = pairs.split(validation: validation, seed: seed)
        try self.init(
            training: parts.training, validation: parts.validation, tokenizer: tokenizer, endToken: endToken,
            contextLength: contextLength)
    }

    /// A sentence about pairs that are left out; nil if there are none.
    public var notice: String? {
        let (training, validation) = leftOut
        if training + validation == 0 { return nil }
        func counted(_ count: Int, _ kind: String) -> String { "\(count) \(kind) \(count == 1 ? "pair" : "pairs")" }
        let parts = [(training, "training"), (validation, "validation")].filter { $0.0 > 0 }.map(counted)
        let verb = training + validation == 1 ? "is" : "are"
        return "\(parts.joined(separator: " and ")) longer than the context \(verb) left out."
    }

    package var record: DataRecord {
        DataRecord(
            hashes: hashes,
            figures: [
                ("training_pairs", .count(training.count)), ("validation_pairs", .count(validation.count)),
                ("pairs_left_out", .count(leftOut.training + leftOut.validation)),
                ("tokens_per_pair", .count(meanLength)),
            ])
    }
}
