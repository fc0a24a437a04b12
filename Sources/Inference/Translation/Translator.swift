import Interchange
import Models
import Tokenizers

/// An encoder-decoder and its tokenizer: text in, its translation out.
///
/// ```swift
/// let translator = try Translator(ModelDirectory.load("dates"))
/// print(try translator.translate("the third of March, 1998"))
/// ```
///
/// The translation of a text is the same, to the bit, whatever else is translated with it.
public struct Translator {
    public let model: EncoderDecoder
    public let tokenizer: any Tokenizer
    /// How targets are searched: what the model's files say, unless they are changed here.
    public var settings: BeamSearchSettings
    /// Sequences of tokens that no target contains.
    private let banned: [[Int32]]
    private let encoder: PairEncoder

    /// A model that was read.
    /// - Throws: if the model is no encoder-decoder, has no tokenizer that can be used, has weights that are not finite, or says
    ///   that targets are searched in a way that is not supported.
    public init(_ saved: SavedModel) throws {
        guard let model = saved.model.encoderDecoder else {
            throw ModelError(
                path: saved.path,
                reason:
                    "a model of type '\(saved.model.modelType)', which cannot translate; give a model that was trained on "
                    + "pairs of texts (MarianMTModel)")
        }
        try saved.requireFiniteWeights()
        self.init(
            model, tokenizer: try saved.tokenizer, roles: saved.description.roles,
            settings: try saved.description.searchSettings(of: model.configuration, in: saved.path))
    }

    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: its tokenizer.
    ///   - roles: which tokens are never generated; nil for all special tokens but the one that ends a target.
    ///   - settings: how targets are searched; nil for greedy search up to the context length.
    public init(
        _ model: EncoderDecoder, tokenizer: any Tokenizer, roles: TokenRoles? = nil, settings: BeamSearchSettings? = nil
    ) {
        self.model = model
        self.tokenizer = tokenizer
        self.settings = settings ?? BeamSearchSettings(maximumLength: model.configuration.contextLength)
        let roles = roles ?? TokenRoles(suppressed: tokenizer.specialTokenIDs)
        banned =
            roles.neverGenerated(by: tokenizer, rows: model.vocabularySize).map { [$0] } + roles.bannedSequences
        encoder = PairEncoder(tokenizer, end: model.configuration.endToken)
    }

    /// The ids of a source, with those of the tokenizer's template.
    /// - Parameters:
    ///   - text: any text. Special tokens in it, such as `</s>`, are encoded as such.
    ///   - unknown: replaces characters that the vocabulary has no token for; with nil they are an error.
    /// - Throws: `TokenizerError`, or `TranslationError` for a text that is longer than the model's context.
    public func encode(source text: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        let ids = try encoder.ids(of: text, replacing: unknown)
        let limit = model.configuration.contextLength
        guard ids.count <= limit else { throw TranslationError.sourceTooLong(tokens: ids.count, limit: limit) }
        return ids
    }

    /// The translations of encoded sources, in their order.
    /// - Parameter sources: ids that `encode(source:replacing:)` returned.
    public func translate(_ sources: [[Int32]]) -> [String] {
        targets(sources).map { target in
            tokenizer.decode(target.last == model.configuration.endToken ? target.dropLast() : target[...])
        }
    }

    /// The tokens of the translations, in the order of the sources: with the end token, and without the start token.
    func targets(_ sources: [[Int32]]) -> [[Int32]] { model.translate(sources, settings: settings, banned: banned) }

    /// The translations of some texts, in their order.
    /// - Throws: as `encode(source:replacing:)`.
    public func translate(_ texts: [String], replacing unknown: Unicode.Scalar? = nil) throws -> [String] {
        translate(try texts.map { try encode(source: $0, replacing: unknown) })
    }

    /// The translation of a text.
    /// - Throws: as `encode(source:replacing:)`.
    public func translate(_ text: String, replacing unknown: Unicode.Scalar? = nil) throws -> String {
        try translate([text], replacing: unknown)[0]
    }
}

/// Why a text cannot be translated, in one line.
public enum TranslationError: Error, Equatable, CustomStringConvertible {
    /// A source with more tokens than the context of the model.
    case sourceTooLong(tokens: Int, limit: Int)

    public var description: String {
        switch self {
        case .sourceTooLong(let tokens, let limit):
            "the text has \(tokens) tokens, more than the \(limit) that the model reads; divide it into shorter texts"
        }
    }
}
