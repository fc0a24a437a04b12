import Models
import Tensors
import Tokenizers

/// Scores a text in parts of some thousand tokens, between which the caller can show progress, stop, or do something else.
///
/// A model with a limited context reads the text in consecutive windows of that length.
package struct TextScorer {
    /// The number of tokens of the text.
    package var tokenCount: Int { ids.count }

    private let model: any LanguageModel
    private let ids: [Int32]
    /// The Unicode scalars and bytes of all tokens but the first.
    private let predicted: (characters: Int, bytes: Int)
    private let parts: [EvaluationWindows]
    private var next = 0
    private var evaluation = Evaluation(total: 0, count: 0)

    /// Encodes the text.
    /// - Parameters:
    ///   - text: at least two tokens, encoded as `TextGenerator.encoding` says. The ids of a template before and after it are
    ///     part of the text; they have no characters.
    ///   - generator: the model and its tokenizer.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    ///   - stride: the number of tokens between the beginnings of two windows; nil for windows that do not overlap.
    /// - Throws: `TokenizerError` or `ScoringError.tooShort`.
    package init(
        _ text: String, _ generator: TextGenerator, replacing unknown: Unicode.Scalar? = nil, stride: Int? = nil
    ) throws {
        let tokenizer = generator.tokenizer
        model = generator.model
        ids = try generator.encoding.ids(of: text, replacing: unknown)
        guard ids.count >= 2 else { throw ScoringError.tooShort(tokens: ids.count) }
        var decoder = StreamingDecoder(tokenizer)
        let first = tokenizer.decodedBytes(of: ids[0], isFirst: true, spellingSpecialTokens: false) ?? []
        let space = UInt8(ascii: " ")
        // A space that the tokenizer puts before the text is no part of it.
        let added = first.first == space && text.utf8.first != space ? 1 : 0
        predicted = (
            text.unicodeScalars.count + added - decoder.append(ids[0]).unicodeScalars.count,
            text.utf8.count + added - first.count
        )
        parts = EvaluationWindows(tokenCount: ids.count, for: model, stride: stride).parts
    }

    /// Scores the next part.
    /// - Returns: whether there was one.
    package mutating func scoreNextPart() -> Bool {
        guard next < parts.count else { return false }
        if let part = model.evaluate(ids, after: [], windows: parts[next], shouldStop: { false }) { evaluation += part }
        next += 1
        return true
    }

    /// The share of the text that is scored: from 0 to 1.
    package var progress: Double { Double(next) / Double(parts.count) }

    /// The score of the parts so far; of the whole text once `scoreNextPart` has returned false.
    package var score: TextScore {
        TextScore(evaluation, characters: predicted.characters, bytes: predicted.bytes)
    }
}

extension TextGenerator {
    /// Scores a text: the loss of each of its tokens but the first, given those before it.
    /// - Parameters:
    ///   - text: at least two tokens. A model with a limited context reads it in consecutive windows of that length.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    /// - Throws: `TokenizerError` or `ScoringError.tooShort`.
    public func score(_ text: String, replacing unknown: Unicode.Scalar? = nil) throws -> TextScore {
        var scorer = try TextScorer(text, self, replacing: unknown)
        while scorer.scoreNextPart() {}
        return scorer.score
    }
}
