import StrictJSON

/// Reads WordPiece tokenizers as BERT has them.
///
/// Every feature of the file that affects ids is either supported or an error that names it.
extension TokenizerReader {
    func wordPieceTokenizer(_ model: JSON) throws(TokenizerError) -> WordPieceTokenizer {
        try checkTruncationAndPadding()
        guard let prefix = model["continuing_subword_prefix"]?.stringValue else {
            throw failure("its model has no continuing_subword_prefix")
        }
        guard let unknown = model["unk_token"]?.stringValue else { throw failure("its model has no unk_token") }
        guard let greatest = model["max_input_chars_per_word"]?.intValue, greatest >= 0 else {
            throw failure("its model has no max_input_chars_per_word that is a number of characters")
        }
        let normalization = try bertNormalization()
        try checkBertPreTokenizer()
        let symbols = try tokenSymbols(model)
        guard symbols.ids[UTF8Key(unknown)] != nil else {
            throw failure("its unk_token \(quoted(unknown)) is not in its vocabulary")
        }
        let tokens = symbols.byID.sorted { $0.key < $1.key }.map { (token: $0.value, id: $0.key) }
        let added = try addedTokens(symbols)
        let template = try template()
        let decoding = try wordPieceDecoding()
        do {
            return try WordPieceTokenizer(
                WordPieceVocabulary(tokens, continuingPrefix: prefix), normalization: normalization,
                unknownToken: unknown, greatestWordLength: greatest, specialTokens: added, template: template,
                decoding: decoding)
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    /// The only step of a component that may have one; `nil` if it is null or absent.
    private func onlyStep(_ component: String, in list: String, type: String) throws(TokenizerError) -> JSON? {
        guard let value = root[component], !value.isNull else { return nil }
        let steps = try steps(value, of: component, in: list)
        for step in steps where step.type != type {
            throw unsupported("its \(component) is \(quoted(step.type)), which is not supported")
        }
        guard steps.count < 2 else { throw unsupported("its \(component) has \(type) twice, which is not supported") }
        return steps.first?.value
    }

    private func bertNormalization() throws(TokenizerError) -> BertNormalization? {
        guard let step = try onlyStep("normalizer", in: "normalizers", type: "BertNormalizer") else { return nil }
        func option(_ key: String) throws(TokenizerError) -> Bool {
            guard step[key] != nil else { throw failure("its normalizer has no \(key)") }
            return try flag(key, of: step, called: "its normalizer", default: true)
        }
        let stripsAccents: Bool?
        if let value = step["strip_accents"], !value.isNull {
            stripsAccents = try option("strip_accents")
        } else {
            stripsAccents = nil
        }
        return BertNormalization(
            cleansText: try option("clean_text"), separatesChineseCharacters: try option("handle_chinese_chars"),
            stripsAccents: stripsAccents, lowercases: try option("lowercase"))
    }

    private func checkBertPreTokenizer() throws(TokenizerError) {
        guard try onlyStep("pre_tokenizer", in: "pretokenizers", type: "BertPreTokenizer") != nil else {
            throw unsupported("it has no pre_tokenizer, which is not supported for WordPiece")
        }
    }

    private func wordPieceDecoding() throws(TokenizerError) -> WordPieceDecoding? {
        guard let step = try onlyStep("decoder", in: "decoders", type: "WordPiece") else { return nil }
        guard let prefix = step["prefix"]?.stringValue else { throw failure("its decoder has no prefix") }
        guard step["cleanup"] != nil else { throw failure("its decoder has no cleanup") }
        return WordPieceDecoding(
            prefix: prefix, cleansUp: try flag("cleanup", of: step, called: "its decoder", default: true))
    }
}
