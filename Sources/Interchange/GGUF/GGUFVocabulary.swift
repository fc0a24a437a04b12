import StrictJSON
import Tokenizers

/// The vocabulary of a tokenizer in a GGUF file. llama.cpp represents bytes, byte pairs and characters alike: tokens, spelled
/// in the visible characters of their bytes, and merges that produce the longer ones.
///
/// The bytes of a character are merged from left to right. No merge joins bytes of different characters, because the first byte
/// of a character never occurs within one, and its other bytes never begin one.
package struct GGUFVocabulary: Sendable, Equatable {
    /// The types of tokens, by their numbers in GGUF.
    package enum Kind: Int32, Sendable {
        /// A token that merging produces, spelled in visible characters.
        case normal = 1
        /// The token for unknown text.
        case unknown
        /// A special token that is not part of decoded text, such as `<|endoftext|>`.
        case control
        /// A special token that is part of the text, spelled as it is.
        case userDefined
        /// The placeholder of an unused id.
        case unused
        /// A token for byte fallback.
        case byte
    }

    /// The tokens by id.
    package var tokens: [String] = []
    /// The type of each token.
    package var kinds: [Kind] = []
    /// The merges in the order of their priority, each written as two tokens with a space between.
    package var merges: [String] = []
    /// The name of the split pattern in llama.cpp.
    package var pattern: String
    /// The id after a text.
    package var endOfText: Int32?
    /// The id before a text.
    package var beginning: Int32?
    /// Whether `beginning` is added before every text.
    package var addsBeginning = false
    /// Whether `endOfText` is added after every text.
    package var addsEnd = false
    /// Whether a space is put before a text that does not begin with one. Other patterns than GPT-2's do not have this: their
    /// `ByteLevel` would put one before every pre-token.
    package var addsPrefixSpace = false
    /// Differences between llama.cpp's tokenizer and the original, each in one line.
    package var remarks: [String] = []
    /// The features of texts whose ids differ between llama.cpp's tokenizer, as it is read here, and the original.
    package var inexact: Set<TextFeature> = []

    /// An empty vocabulary, to be filled from a file.
    package init(pattern: String) { self.pattern = pattern }

    /// The vocabulary of a tokenizer.
    /// - Throws: `TokenizerError.unwritable` if llama.cpp cannot represent it.
    package init(_ tokenizer: any Tokenizer) throws(TokenizerError) {
        self.init(pattern: LlamaSplitPattern.gpt2)
        switch tokenizer.form {
        case .bytePairs(let tokenizer):
            try self.init(tokenizer)
            return
        case .characters(let tokenizer):
            for character in tokenizer.alphabet { append(ByteSymbols.symbols(of: String(character).utf8), .normal) }
            merges = Self.merges(making: tokenizer.alphabet)
        case .bytes:
            for scalar in ByteSymbols.scalars { append(String(scalar), .normal) }
        case .wordPiece:
            throw .unrepresentable(
                "a GGUF file of a model that generates cannot have a WordPiece vocabulary; choose another format")
        case .other: throw .unwritable(kind: tokenizer.kind)
        }
        for token in tokenizer.specialTokens { append(token.text, .control) }
        addSpecialIDs(of: tokenizer)
    }

    /// Sets the ids around a text, and remarks on the features of special tokens that llama.cpp does not have.
    private mutating func addSpecialIDs(of tokenizer: any Tokenizer) {
        endOfText = tokenizer.endOfText
        beginning = tokenizer.template.before.first ?? endOfText
        addsBeginning = !tokenizer.template.before.isEmpty
        addsEnd = !tokenizer.template.after.isEmpty
        if let token = tokenizer.specialTokens.first(where: \.isWholeWord) {
            remarks.append(
                "The token \(quoted(token.text)) is found in whole words only (single_word); llama.cpp finds it anywhere."
            )
            inexact.insert(.specialTokens)
        }
        if let token = tokenizer.specialTokens.first(where: { $0.stripsLeft || $0.stripsRight }) {
            remarks.append(
                "The token \(quoted(token.text)) includes the white space beside it (lstrip, rstrip); llama.cpp keeps that as text."
            )
            inexact.insert(.specialTokens)
        }
    }

    private mutating func append(_ token: String, _ kind: Kind) {
        tokens.append(token)
        kinds.append(kind)
    }

    /// The merges that produce each character from its bytes.
    static func merges(making alphabet: [Unicode.Scalar]) -> [String] {
        var merges: [String] = []
        var known = Set<UTF8Key>()
        for character in alphabet {
            let symbols = String(character).utf8.map { String(ByteSymbols.scalars[Int($0)]) }
            for end in 1..<max(1, symbols.count) {
                let merge = symbols[..<end].joined() + " " + symbols[end]
                if known.insert(UTF8Key(merge)).inserted { merges.append(merge) }
            }
        }
        return merges
    }

    private init(_ tokenizer: BPETokenizer) throws(TokenizerError) {
        let vocabulary = tokenizer.vocabulary
        guard let name = LlamaSplitPattern.name(tokenizer.pattern, ignoresMerges: tokenizer.ignoresMerges) else {
            throw .unwritable(kind: tokenizer.kind)
        }
        switch (tokenizer.prefixSpace, tokenizer.pattern) {
        case (.none, _): break
        case (.texts, .gpt2):
            addsPrefixSpace = true
            remarks.append("The tokenizer puts a space before a text; llama.cpp does not.")
        case (.texts, _), (.pretokens, _):
            throw .unrepresentable(
                "llama.cpp has no tokenizer that puts a space before every pre-token (add_prefix_space after a Split)")
        }
        pattern = name
        var known = Set<UTF8Key>()
        for id in 0..<Int32(tokenizer.vocabularySize) {
            if let special = tokenizer.specialToken(id) {
                append(special.text, special.isControl ? .control : .userDefined)
            } else if vocabulary.bytes(of: id).isEmpty {
                append("[PAD\(id)]", .unused)
            } else {
                append(tokenizer.symbols(of: id), .normal)
            }
            guard known.insert(UTF8Key(tokens[Int(id)])).inserted else {
                throw .unwritable(kind: "\(tokenizer.kind) in which \(quoted(tokens[Int(id)])) is two tokens")
            }
        }
        let pairs = vocabulary.merges
        merges = pairs.map {
            ByteSymbols.symbols(of: vocabulary.bytes(of: $0.left)) + " "
                + ByteSymbols.symbols(of: vocabulary.bytes(of: $0.right))
        }
        addSpecialIDs(of: tokenizer)
        if tokenizer.pattern == .cl100k {
            remarks.append(
                "llama.cpp splits line breaks and spaces at the end of a text slightly differently from \(tokenizer.kind)."
            )
            inexact.insert(.whiteSpace)
        }
        if tokenizer.pattern == .o200k {
            remarks.append("llama.cpp splits non-ASCII letters slightly differently from \(tokenizer.kind).")
        }
        if tokenizer.normalization == .nfc {
            remarks.append("The tokenizer normalizes texts to NFC; llama.cpp does not.")
            inexact.insert(.accents)
        }
    }
}
