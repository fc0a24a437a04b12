import StrictJSON

/// Reads byte-level byte-pair encodings, such as those of GPT-2, Llama 3 and Qwen, and those that Hugging Face's trainer writes.
///
/// Every feature of the file that affects ids is either supported or an error that names it.
extension TokenizerReader {
    func bytePairTokenizer(_ model: JSON) throws(TokenizerError) -> BPETokenizer {
        try checkTruncationAndPadding()
        let normalization = try normalization()
        let (pattern, prefixSpace) = try preTokenization()
        try check("decoder", isOneOf: ["ByteLevel"])
        let symbols = try tokenSymbols(model)
        let added = try addedTokens(symbols)
        try checkNormalized(added, normalization)
        let merges = try merges(model, symbols)
        let vocabulary = try vocabulary(symbols, merges, added)
        let template = try template(ignoring: ["ByteLevel"])  // which affects only offsets
        let ignoresMerges = try flag("ignore_merges", of: model, called: "its model", default: false)
        do {
            return try BPETokenizer(
                vocabulary, pattern: pattern, specialTokens: added, normalization: normalization, template: template,
                ignoresMerges: ignoresMerges, prefixSpace: prefixSpace, unknownToken: unknownToken(model))
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    // MARK: Vocabulary

    /// The merges, each written as two strings or as one with a space between.
    private func merges(_ model: JSON, _ symbols: TokenSymbols) throws(TokenizerError) -> [Merge] {
        guard let listed = model["merges"]?.arrayValue else { throw failure("its model has no list of merges") }
        var merges: [Merge] = []
        merges.reserveCapacity(listed.count)
        for (rank, value) in listed.enumerated() {
            let parts: [String]
            switch value {
            case .string(let pair):
                parts = pair.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { String($0) ?? "" }
            case .array(let pair): parts = pair.compactMap(\.stringValue)
            default: parts = []
            }
            guard parts.count == 2, value.arrayValue.map({ $0.count == 2 }) ?? true else {
                throw failure("its merge \(rank) is not a pair of tokens")
            }
            func id(_ symbol: String) throws(TokenizerError) -> Int32 {
                guard let id = symbols.ids[UTF8Key(symbol)] else {
                    throw failure("its merge \(rank) contains \(quoted(symbol)), which is not a token")
                }
                return id
            }
            merges.append(
                Merge(left: try id(parts[0]), right: try id(parts[1]), result: try id(parts[0] + parts[1])))
        }
        return merges
    }

    private func vocabulary(
        _ symbols: TokenSymbols, _ merges: [Merge], _ added: [SpecialToken]
    ) throws(TokenizerError) -> BPEVocabulary {
        // A special token that is listed with the others is found before merging, and no merge produces it.
        let merged = Set(merges.map(\.result))
        let special = Set(added.map(\.id)).subtracting(merged)
        var bytes: [UInt8] = []
        var spans: [Range<Int>] = []
        var ids: [Int32] = []
        for (id, symbol) in symbols.byID.sorted(by: { $0.key < $1.key }) where !special.contains(id) {
            guard let token = ByteSymbols.bytes(of: Array(symbol.utf8)[...]) else {
                throw unsupported("the token \(quoted(symbol)) with id \(id) is not in byte-level encoding")
            }
            spans.append(bytes.count..<bytes.count + token.count)
            ids.append(id)
            bytes += token
        }
        do {
            return try BPEVocabulary(bytes: bytes, spans: spans, ids: ids, merges: merges)
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    // MARK: The steps around the model

    private func checkNormalized(
        _ added: [SpecialToken], _ normalization: BPETokenizer.Normalization
    ) throws(TokenizerError) {
        guard normalization == .nfc else { return }
        for token in added where token.isNormalized {
            if Array(token.text.utf8).withUnsafeBufferPointer({ NormalizedText(nfc: $0) != nil }) {
                throw unsupported("the added token \(quoted(token.text)) is not in NFC, which is not supported")
            }
        }
    }

    private func normalization() throws(TokenizerError) -> BPETokenizer.Normalization {
        guard let value = root["normalizer"], !value.isNull else { return .none }
        var result = BPETokenizer.Normalization.none
        for step in try steps(value, of: "normalizer", in: "normalizers") {
            guard step.type == "NFC" else {
                throw unsupported("its normalizer is \(quoted(step.type)), which is not supported")
            }
            result = .nfc
        }
        return result
    }

    /// The pattern of a `ByteLevel` step, which has its own expression or follows a `Split` by a known one; and where that
    /// step puts spaces: before each of the parts that it gets.
    private func preTokenization() throws(TokenizerError) -> (SplitPattern, BPETokenizer.PrefixSpace) {
        guard let value = root["pre_tokenizer"], !value.isNull else { throw failure("it has no pre_tokenizer") }
        var pattern: SplitPattern?
        var prefixSpace = BPETokenizer.PrefixSpace.none
        var isByteLevel = false
        for step in try steps(value, of: "pre_tokenizer", in: "pretokenizers") {
            guard !isByteLevel else {
                throw unsupported("its pre_tokenizer has \(quoted(step.type)) after ByteLevel, which is not supported")
            }
            switch step.type {
            case "ByteLevel":
                guard step.value["add_prefix_space"] != nil else {
                    throw failure("its pre_tokenizer has no add_prefix_space")
                }
                if try flag("add_prefix_space", of: step.value, called: "its pre_tokenizer", default: false) {
                    prefixSpace = pattern == nil ? .texts : .pretokens
                }
                let usesExpression = try flag(
                    "use_regex", of: step.value, called: "its pre_tokenizer", default: true)
                if usesExpression, pattern != nil {
                    throw unsupported("its pre_tokenizer has use_regex after a Split, which is not supported")
                }
                if usesExpression { pattern = .gpt2 }
                isByteLevel = true
            case "Split":
                guard pattern == nil else {
                    throw unsupported("its pre_tokenizer has two Splits, which is not supported")
                }
                pattern = try splitPattern(step.value)
            default: throw unsupported("its pre_tokenizer is \(quoted(step.type)), which is not supported")
            }
        }
        guard isByteLevel else { throw unsupported("its pre_tokenizer has no ByteLevel, which is not supported") }
        return (pattern ?? .whole, prefixSpace)
    }

    private func splitPattern(_ split: JSON) throws(TokenizerError) -> SplitPattern {
        guard let expression = split["pattern"]?["Regex"]?.stringValue else {
            throw unsupported("its Split has no Regex, which is not supported")
        }
        let known = SplitPattern.allCases.first { pattern in
            pattern.expressions.contains { $0.utf8.elementsEqual(expression.utf8) }
        }
        guard let known else { throw unsupported("its Split by \(quoted(expression)) is not supported") }
        // All these expressions match every character, so nothing is between the matches.
        guard let behavior = split["behavior"]?.stringValue else { throw failure("its Split has no behavior") }
        let inverts = try flag("invert", of: split, called: "its Split", default: false)
        guard (behavior == "Isolated" && !inverts) || (behavior == "Removed" && inverts) else {
            throw unsupported("its Split has the behavior \(quoted(behavior)), which is not supported")
        }
        return known
    }
}
