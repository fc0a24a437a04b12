import Files
import Interchange
import Models
import Tensors
import Tokenizers

/// Looks into a model: what it computes for a text, layer by layer and head by head.
///
/// ```swift
/// let explainer = try Explainer(ModelDirectory.load("model"))
/// let explanation = try explainer.explain("First Citizen:")
/// for token in explanation.tokens { print(token.piece, token.surprise ?? 0) }
/// ```
///
/// It works for all models with weights: language models, encoders (BERT) with any head, and encoder-decoders (Marian).
public struct Explainer {
    public let model: any TrainableModel
    /// Its tokenizer; nil for a model without one, which explains ids.
    public let tokenizer: (any Tokenizer)?
    let roles: TokenRoles?
    /// Greedy translation, for an encoder-decoder with a tokenizer.
    private let translator: Translator?

    /// What is explained.
    public struct Input: Sendable, Equatable {
        /// The ids of the text, with those of the tokenizer's template.
        public var ids: [Int32]
        /// The type of each id, for an encoder; nil for type 0.
        public var types: [Int32]?
        /// The target of an encoder-decoder, which begins with the start token; nil for the one that greedy search finds.
        public var target: [Int32]?

        public init(_ ids: [Int32], types: [Int32]? = nil, target: [Int32]? = nil) {
            (self.ids, self.types, self.target) = (ids, types, target)
        }
    }

    /// A model that was read, with its tokenizer if it has one.
    /// - Throws: `ExplanationError.noWeights` for a model of counts, or that weights are not finite.
    public init(_ saved: SavedModel) throws {
        guard let model = saved.model.trainable else {
            throw ExplanationError.noWeights(modelType: saved.model.modelType)
        }
        try saved.requireFiniteWeights()
        let tokenizer = try? saved.tokenizer
        self.init(
            model, tokenizer: tokenizer, roles: saved.description.roles,
            translator: model.encoderDecoder == nil || tokenizer == nil ? nil : try Translator(saved))
    }

    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: its tokenizer; nil to explain ids only.
    ///   - roles: which tokens begin and end a text.
    public init(_ model: any TrainableModel, tokenizer: (any Tokenizer)?, roles: TokenRoles? = nil) {
        var translator: Translator?
        if let encoderDecoder = model.encoderDecoder, let tokenizer {
            translator = Translator(encoderDecoder, tokenizer: tokenizer, roles: roles)
        }
        self.init(model, tokenizer: tokenizer, roles: roles, translator: translator)
    }

    private init(
        _ model: any TrainableModel, tokenizer: (any Tokenizer)?, roles: TokenRoles?, translator: Translator?
    ) {
        (self.model, self.tokenizer, self.roles) = (model, tokenizer, roles)
        var translator = translator
        translator?.settings.beams = 1
        self.translator = translator
    }

    /// The ids of a text as the model reads it: of a prompt for a language model, of a text with the template for an encoder, of a
    /// source for an encoder-decoder.
    /// - Parameters:
    ///   - text: any text.
    ///   - tokenizer: the tokenizer of the model.
    ///   - encoding: how a prompt is encoded; nil for the default.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    /// - Throws: `TokenizerError`, `SequenceError`, `TranslationError`.
    public func encode(
        _ text: String, with tokenizer: any Tokenizer, encoding: TextEncoding? = nil,
        replacing unknown: Unicode.Scalar? = nil
    ) throws -> Input {
        if let encoder = model.encoder {
            let sequence = try tokenizer.encodeSequence(text, special: .allowed, replacing: unknown)
            if let type = sequence.typeIDs.first(where: { $0 < 0 || $0 >= encoder.configuration.tokenTypes }) {
                throw SequenceError.unknownType(type, count: encoder.configuration.tokenTypes)
            }
            return Input(sequence.ids, types: sequence.typeIDs)
        }
        if let translator { return Input(try translator.encode(source: text, replacing: unknown)) }
        let encoding = encoding ?? TextEncoding(tokenizer, roles: roles ?? TokenRoles())
        return Input(try encoding.ids(ofPrompt: text, replacing: unknown))
    }

    /// Explains a text.
    /// - Parameters:
    ///   - text: at most as many tokens as the context of the model.
    ///   - settings: what the explanation contains.
    /// - Throws: `TokenizerError`, `ExplanationError`.
    public func explain(_ text: String, _ settings: ExplanationSettings = ExplanationSettings()) throws -> Explanation {
        guard let tokenizer else { throw ExplanationError.noTokenizer }
        return try explain(encode(text, with: tokenizer), settings)
    }

    /// Explains ids.
    /// - Parameters:
    ///   - input: at least one id, and at most as many as the context of the model.
    ///   - settings: what the explanation contains.
    /// - Throws: `ExplanationError`.
    public func explain(
        _ input: Input, _ settings: ExplanationSettings = ExplanationSettings()
    ) throws -> Explanation {
        try explain(input, settings) { inductionScores(seed: settings.seed) }
    }

    /// Explains ids, with induction scores that may have been measured before.
    func explain(
        _ input: Input, _ settings: ExplanationSettings, induction: () -> [[Double]]?
    ) throws -> Explanation {
        var input = input
        try check(input.ids)
        if let encoderDecoder = model.encoderDecoder, input.target == nil {
            input.target = [encoderDecoder.configuration.startToken] + translated(input.ids, by: encoderDecoder)
        }
        if let target = input.target { try check(target) }
        try requireMemory(input, settings)
        return try ExplanationBuilder(self, input, settings, induction: induction()).explanation()
    }

    /// The attention of one layer.
    /// - Parameters:
    ///   - layer: the number of the layer, from 0.
    ///   - kind: what attends to what: `own`, or one of the others for an encoder-decoder, which needs a target.
    ///   - input: the ids.
    /// - Throws: `ExplanationError`.
    public func attention(layer: Int, _ kind: AttentionKind = .own, of input: Input) throws -> AttentionMap {
        try check(input.ids)
        var input = input
        if let encoderDecoder = model.encoderDecoder, input.target == nil {
            input.target = [encoderDecoder.configuration.startToken] + translated(input.ids, by: encoderDecoder)
        }
        if let target = input.target { try check(target) }
        try requireMemory(input, ExplanationSettings())
        var found: AttentionMap?, count = 0
        _ = trace(input) { attentionKind, number, map in
            guard attentionKind == kind else { return }
            count += 1
            if number == layer { found = map() }
        }
        guard let found else { throw ExplanationError.noLayer(layer, count: count) }
        return found
    }

    /// The target that greedy search finds: with its end token only if there is room for it.
    private func translated(_ source: [Int32], by model: EncoderDecoder) -> [Int32] {
        let target =
            translator?.targets([source])[0]
            ?? model.translate(source, settings: BeamSearchSettings(maximumLength: model.configuration.contextLength))
        return Array(target.prefix(model.configuration.contextLength - 1))
    }

    private func check(_ ids: [Int32]) throws(ExplanationError) {
        if ids.isEmpty { throw .empty }
        if let contextLength = model.contextLength, ids.count > contextLength {
            throw .tooLong(tokens: ids.count, contextLength: contextLength)
        }
        for id in ids where id < 0 || Int(id) >= model.vocabularySize {
            throw .unknownToken(id, vocabularySize: model.vocabularySize)
        }
    }

    /// The map of one layer exists at a time, or those of all.
    private func requireMemory(_ input: Input, _ settings: ExplanationSettings) throws(ExplanationError) {
        let tokens = max(input.ids.count, input.target?.count ?? 0), shape = model.attentionShape
        let maps = settings.patterns == .all ? shape.layers : min(1, shape.layers)
        let bytes = 8.0 * Double(tokens) * Double(tokens) * Double(shape.heads) * Double(maps)
        let available = Files.availableMemory
        if bytes > Double(available) {
            throw .tooLarge(tokens: tokens, megabytes: Int(bytes / 1e6), available: available / 1_000_000)
        }
    }

    /// Runs the model, and reports the attention of each layer.
    func trace(
        _ input: Input,
        _ onAttention: @escaping (_ kind: AttentionKind, _ layer: Int, _ map: () -> AttentionMap) -> Void
    ) -> [(network: Network, trace: ForwardTrace)] {
        switch model.form {
        case .neural(let model):
            return [(.whole, model.trace(input.ids) { onAttention(.own, $0, $1) })]
        case .encoder(let model):
            return [(.whole, model.trace(input.ids, types: input.types) { onAttention(.own, $0, $1) })]
        case .encoderDecoder(let model):
            let layers = model.encoderBlocks.count
            let target = input.target ?? [model.configuration.startToken]
            let traces = model.trace(input.ids, target: target) { number, map in
                let place = number - layers
                if place < 0 { return onAttention(.encoder, number, map) }
                onAttention(place.isMultiple(of: 2) ? .decoder : .cross, place / 2, map)
            }
            return [(.encoder, traces.encoder), (.decoder, traces.decoder)]
        case .counted, .other: preconditionFailure("a model without weights")
        }
    }
}

extension TrainableModel {
    /// The greatest number of heads of a layer, and the number of layers of attention.
    fileprivate var attentionShape: (heads: Int, layers: Int) {
        switch specification {
        case .transformer(let c): (c.heads, c.layers)
        case .encoder(let c): (c.heads, c.layers)
        case .encoderDecoder(let c): (max(c.encoder.heads, c.decoder.heads), c.encoder.layers + 2 * c.decoder.layers)
        case .attention: (1, 1)
        case .bigram, .ngram, nil: (0, 0)
        }
    }
}
