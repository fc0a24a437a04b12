import StrictJSON
import Tokenizers

extension GGUFVocabulary {
    /// The tokenizer with this vocabulary; `file` is the path of the file in errors.
    package func tokenizer(file: String) throws(TokenizerError) -> any Tokenizer {
        func failure(_ reason: String) -> TokenizerError { .unreadable(file: file, reason: reason) }
        func unsupported(_ reason: String) -> TokenizerError { .unsupported(file: file, reason: reason) }

        guard let split = LlamaSplitPattern.pattern(pattern) else {
            throw unsupported("its split pattern \(quoted(pattern)) is not supported")
        }
        if let tokenizer = characters() { return tokenizer }
        if let tokenizer = bytes() { return tokenizer }

        var ids: [UTF8Key: Int32] = [:]
        let tokens = usedTokens
        var bytesByID = [[UInt8]](repeating: [], count: tokens.count)
        var special: [SpecialToken] = []
        for (id, (token, kind)) in zip(tokens, kinds).enumerated() {
            guard ids.updateValue(Int32(id), forKey: UTF8Key(token)) == nil else {
                throw failure("the token \(quoted(token)) occurs twice")
            }
            switch kind {
            case .normal:
                guard let bytes = ByteSymbols.bytes(of: Array(token.utf8)[...]), !bytes.isEmpty else {
                    throw failure("the token \(quoted(token)) with id \(id) is not in byte-level encoding")
                }
                bytesByID[id] = bytes
            case .byte: throw unsupported("its tokenizer has byte fallback tokens, which are not supported")
            // The placeholder of an id without a token.
            case .unused: break
            case .unknown, .control, .userDefined:
                guard !token.isEmpty else { throw failure("the special token with id \(id) is empty") }
                var token = SpecialToken(token, id: Int32(id))
                token.isControl = kind != .userDefined
                special.append(token)
            }
        }
        var list: [Merge] = []
        list.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let parts = merge.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { String($0) ?? "" }
            guard parts.count == 2, let left = ids[UTF8Key(parts[0])], let right = ids[UTF8Key(parts[1])],
                let result = ids[UTF8Key(parts[0] + parts[1])]
            else { throw failure("its merge \(rank), \(quoted(merge)), does not join two tokens into a third") }
            list.append(Merge(left: left, right: right, result: result))
        }
        do {
            return try BPETokenizer(
                BPEVocabulary(tokens: bytesByID, merges: list), pattern: split.pattern, specialTokens: special,
                template: template, ignoresMerges: split.ignoresMerges,
                prefixSpace: addsPrefixSpace && split.pattern == .gpt2 ? .texts : .none)
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    /// The ids that are added around a text.
    private var template: TokenTemplate {
        var template = TokenTemplate()
        if addsBeginning, let beginning { template.before = [beginning] }
        if addsEnd, let endOfText { template.after = [endOfText] }
        return template
    }

    /// The tokens without the placeholders after the last one, which stand for rows of the model without a token.
    private var usedTokens: ArraySlice<String> { tokens[..<((kinds.lastIndex { $0 != .unused } ?? -1) + 1)] }

    /// The tokens before the special ones at the end, and those; nil if any other token is not normal.
    private func plainTokens() -> (tokens: ArraySlice<String>, special: [SpecialToken])? {
        let tokens = usedTokens
        let count = kinds.prefix(tokens.count).lastIndex { $0 != .control }.map { $0 + 1 } ?? 0
        guard kinds.prefix(count).allSatisfy({ $0 == .normal }) else { return nil }
        let special = (count..<tokens.count).map { SpecialToken(tokens[$0], id: Int32($0)) }
        return (tokens[..<count], special)
    }

    /// The character tokenizer with these tokens and merges; nil if they are not characters.
    private func characters() -> CharacterTokenizer? {
        guard let (plain, special) = plainTokens() else { return nil }
        var alphabet: [Unicode.Scalar] = []
        for token in plain {
            guard let bytes = ByteSymbols.bytes(of: Array(token.utf8)[...]),
                let scalars = String(validating: bytes, as: UTF8.self)?.unicodeScalars, scalars.count == 1,
                let scalar = scalars.first
            else { return nil }
            alphabet.append(scalar)
        }
        guard Set(alphabet).count == alphabet.count,
            Set(Self.merges(making: alphabet).map(UTF8Key.init)) == Set(merges.map(UTF8Key.init))
        else { return nil }
        return try? CharacterTokenizer(distinct: alphabet, specialTokens: special, template: template)
    }

    /// The byte tokenizer; nil if the tokens are not the bytes.
    private func bytes() -> ByteTokenizer? {
        guard merges.isEmpty, template == TokenTemplate(), let (plain, special) = plainTokens(),
            special.map(\.text) == [endOfTextSpelling],
            plain.elementsEqual(ByteSymbols.scalars, by: { UTF8Key($0) == UTF8Key(String($1)) })
        else { return nil }
        return ByteTokenizer()
    }
}
