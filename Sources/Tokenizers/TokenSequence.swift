/// The ids of one text or of two, as a model reads them: with the ids of a template, and the type of each id.
public struct TokenSequence: Sendable, Hashable {
    /// The ids.
    public let ids: [Int32]

    /// The type of each id (`token_type_ids`): for BERT 0 up to the first `[SEP]`, and 1 after it.
    public let typeIDs: [Int32]

    /// The number of ids.
    public var count: Int { ids.count }

    /// The ids of texts in a template.
    init(_ parts: [TokenTemplate.Part], _ first: ArraySlice<Int32>, _ second: ArraySlice<Int32>) {
        var ids: [Int32] = [], types: [Int32] = []
        for part in parts {
            switch part {
            case .token(let id, let type):
                ids.append(id)
                types.append(type)
            case .first(let type):
                ids += first
                types += repeatElement(type, count: first.count)
            case .second(let type):
                ids += second
                types += repeatElement(type, count: second.count)
            }
        }
        self.ids = ids
        typeIDs = types
    }
}

extension Tokenizer {
    /// The ids of a text with those of the template, and the type of each.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - maximumLength: the greatest number of ids, including those of the template. The last ids of a longer text are left
    ///     out, before the template is added.
    ///   - special: how special tokens that occur in the text are encoded.
    ///   - unknown: replaces characters that the vocabulary has no token for; with `nil` they are an error.
    /// - Throws: `TokenizerError`; `tooShort` if the template alone is longer than `maximumLength`.
    public func encodeSequence(
        _ text: String, maximumLength: Int? = nil, special: SpecialTokenPolicy = .refused,
        replacing unknown: Unicode.Scalar? = nil
    ) throws -> TokenSequence {
        let ids = try encode(text, special: special, addingSpecialTokens: false, replacing: unknown)
        return try sequence(ids, maximumLength: maximumLength)
    }

    /// The ids of two texts with those of the template, and the type of each.
    ///
    /// - Parameters:
    ///   - first: any text.
    ///   - second: any text.
    ///   - maximumLength: the greatest number of ids, including those of the template. Of texts that are longer together, the
    ///     longer one loses its last ids until it is as long as the other, then both do (transformers' `longest_first`).
    ///   - special: how special tokens that occur in the texts are encoded.
    ///   - unknown: replaces characters that the vocabulary has no token for; with `nil` they are an error.
    /// - Throws: `TokenizerError`; `tooShort` if the template alone is longer than `maximumLength`.
    public func encodePair(
        _ first: String, _ second: String, maximumLength: Int? = nil, special: SpecialTokenPolicy = .refused,
        replacing unknown: Unicode.Scalar? = nil
    ) throws -> TokenSequence {
        let first = try encode(first, special: special, addingSpecialTokens: false, replacing: unknown)
        let second = try encode(second, special: special, addingSpecialTokens: false, replacing: unknown)
        return try sequence(first, second, maximumLength: maximumLength)
    }

    /// The ids of a text or of two, as a model for sequences reads them: special tokens that occur in a text are encoded as
    /// such, as transformers does it.
    /// - Parameters:
    ///   - text: any text.
    ///   - pair: the second text; nil if there is one only.
    ///   - maximumLength: the greatest number of ids; longer texts are truncated.
    /// - Throws: `TokenizerError`.
    package func encodeSequence(_ text: String, pair: String?, maximumLength: Int) throws -> TokenSequence {
        guard let pair else { return try encodeSequence(text, maximumLength: maximumLength, special: .allowed) }
        return try encodePair(text, pair, maximumLength: maximumLength, special: .allowed)
    }

    /// The ids of an encoded text with those of the template; see `encodeSequence`.
    /// - Throws: `TokenizerError.tooShort`.
    public func sequence(_ ids: [Int32], maximumLength: Int? = nil) throws(TokenizerError) -> TokenSequence {
        let room = try room(in: template.single, maximumLength: maximumLength)
        return TokenSequence(template.single, ids.prefix(room), [])
    }

    /// The ids of two encoded texts with those of the template; see `encodePair`.
    /// - Throws: `TokenizerError.tooShort`.
    public func sequence(
        _ first: [Int32], _ second: [Int32], maximumLength: Int? = nil
    ) throws(TokenizerError) -> TokenSequence {
        let room = try room(in: template.pair, maximumLength: maximumLength)
        let lengths = lengthsOfPair(first.count, second.count, room: room)
        return TokenSequence(template.pair, first.prefix(lengths.first), second.prefix(lengths.second))
    }

    /// The number of ids of texts that a sequence has room for beside those of the template.
    private func room(in parts: [TokenTemplate.Part], maximumLength: Int?) throws(TokenizerError) -> Int {
        guard let maximumLength else { return .max }
        let added = parts.count { $0.isToken }
        guard maximumLength >= added else { throw .tooShort(length: maximumLength, template: added) }
        return maximumLength - added
    }

    /// The id of the token that fills short sequences of a batch, `[PAD]` or `<pad>`; `nil` if there is none.
    public var paddingID: Int32? { specialTokenID("[PAD]", "<pad>") }

    /// The id of the mask token, `[MASK]` or `<mask>`, which replaces a token that a model must predict; `nil` if there is none.
    public var maskID: Int32? { specialTokenID("[MASK]", "<mask>") }

    /// The texts of BERT's special tokens by the names that transformers has for them, as far as the vocabulary has them.
    package var bertRoles: [(name: String, text: String)] {
        [
            ("cls_token", "[CLS]"), ("mask_token", "[MASK]"), ("pad_token", "[PAD]"), ("sep_token", "[SEP]"),
            ("unk_token", "[UNK]"),
        ].filter { specialTokenID($0.1) != nil }
    }

    /// The id of the first of these special tokens that the vocabulary has.
    private func specialTokenID(_ spellings: String...) -> Int32? {
        for spelling in spellings {
            if let token = specialTokens.first(where: { $0.text.utf8.elementsEqual(spelling.utf8) }) { return token.id }
        }
        return nil
    }
}

/// How many ids of two texts remain if there is room for only some: the longer text is shortened first.
func lengthsOfPair(_ first: Int, _ second: Int, room: Int) -> (first: Int, second: Int) {
    if room == .max || first + second <= room { return (first, second) }
    let shorter = min(first, second)
    if shorter <= room - shorter { return first <= second ? (first, room - first) : (room - second, second) }
    // Both lose ids. With an odd number, the text that was longer keeps one more, the second if they were equal.
    return first <= second ? (room / 2, room - room / 2) : (room - room / 2, room / 2)
}
