/// A tokenizer with one token for each character of an alphabet, whose id is its position in the alphabet, and special tokens
/// after them, such as `<|endoftext|>`.
///
/// A character is a Unicode scalar. `é` is one or two of them, depending on how the text is composed, and CR LF is two.
public struct CharacterTokenizer: Tokenizer {
    /// The characters, in the order of their ids.
    public let alphabet: [Unicode.Scalar]

    /// The tokens that ordinary text never encodes to, in the order of their ids.
    public let specialTokens: [SpecialToken]

    /// The ids before and after a text that is encoded with `addingSpecialTokens`.
    public let template: TokenTemplate

    /// The id of `<|endoftext|>`; `nil` if the vocabulary has none.
    public let endOfText: Int32?

    /// The UTF-8 of each character, by id.
    private let tokens: [[UInt8]]
    private let ids: ScalarTable

    /// The special tokens that are searched for first, and those that are searched for between them.
    private let matchers: (raw: SpecialTokenMatcher, normalized: SpecialTokenMatcher)

    /// An alphabet of every character that occurs in `texts`, in the order of their code points.
    public init(alphabetOf texts: [String]) {
        var occurs = [Bool](repeating: false, count: 0x110000)
        for text in texts {
            for scalar in text.unicodeScalars { occurs[Int(scalar.value)] = true }
        }
        self.init(distinct: occurs.indices.compactMap { occurs[$0] ? Unicode.Scalar(UInt32($0)) : nil })
    }

    /// An alphabet of the given characters, in the order of their code points and without repetitions.
    public init(alphabet: [Unicode.Scalar]) { self.init(distinct: Set(alphabet).sorted()) }

    /// An alphabet in the given order, as it is in a file. No character may occur twice.
    package init(distinct alphabet: [Unicode.Scalar], reservingEndOfText: Bool = true) {
        let special = reservingEndOfText ? [SpecialToken(endOfTextSpelling, id: Int32(alphabet.count))] : []
        do { try self.init(distinct: alphabet, specialTokens: special) } catch { preconditionFailure("\(error)") }
    }

    /// An alphabet in the given order, and special tokens. No character may occur twice.
    /// - Parameters:
    ///   - alphabet: the characters.
    ///   - specialTokens: the special tokens, whose ids follow those of the characters without a gap, in any order.
    ///   - template: the ids before and after a text that is encoded with `addingSpecialTokens`.
    /// - Throws: `TokenizerError.vocabulary` if a special token is a character or another special token, if its id is not one
    ///   of those that follow the characters, or if the template adds an id that no token has.
    package init(
        distinct alphabet: [Unicode.Scalar], specialTokens: [SpecialToken], template: TokenTemplate = TokenTemplate()
    ) throws(TokenizerError) {
        self.alphabet = alphabet
        self.specialTokens = specialTokens.sorted { $0.id < $1.id }
        self.template = template
        tokens = alphabet.map { Array(String($0).utf8) }
        ids = ScalarTable(alphabet)
        for (position, token) in self.specialTokens.enumerated() {
            guard Int(token.id) == alphabet.count + position else {
                throw .vocabulary(
                    "the special token \(quoted(token.text)) has the id \(token.id), but the ids of special tokens must "
                        + "follow those of the \(alphabet.count) characters")
            }
            let scalars = token.text.unicodeScalars
            if scalars.count == 1, let first = scalars.first, ids[first.value] != nil {
                throw .vocabulary("the special token \(quoted(token.text)) is a character of the alphabet")
            }
        }
        for case .token(let id, _) in template.single + template.pair
        where id < 0 || id >= alphabet.count + specialTokens.count {
            throw .vocabulary("the template adds the id \(id), which no token has")
        }
        matchers = (
            try SpecialTokenMatcher(self.specialTokens.filter { !$0.isNormalized }),
            try SpecialTokenMatcher(self.specialTokens.filter(\.isNormalized))
        )
        endOfText = specialTokens.first { $0.text.utf8.elementsEqual(endOfTextSpelling.utf8) }?.id
    }

    public var kind: String { "characters" }

    public var unit: String { "character" }

    public var supportedCharacters: [Unicode.Scalar]? { alphabet }

    public var form: TokenizerForm { .characters(self) }

    public var vocabularySize: Int { alphabet.count + specialTokens.count }

    public func specialToken(_ id: Int32) -> SpecialToken? {
        let position = Int(id) - alphabet.count
        return specialTokens.indices.contains(position) ? specialTokens[position] : nil
    }

    public func firstSpecialToken(in text: String) -> SpecialToken? {
        matchers.raw.firstToken(in: text) ?? matchers.normalized.firstToken(in: text)
    }

    /// The ids of the characters of `text`, and those of special tokens where `special` allows them. A special token that is
    /// not allowed is plain text.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        let replacement = try unknown.map { unknown in
            guard let id = ids[unknown.value] else {
                throw TokenizerError.unknownReplacement(unknown, alphabet: alphabet.count)
            }
            return id
        }
        let special = SpecialTokenPolicy(allowed: special.allowed, refused: .none)
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(TokenizerError) in
                var encoded = addingSpecialTokens ? template.before : []
                encoded.reserveCapacity(bytes.count + template.before.count + template.after.count)
                try encode(bytes, special, replacement, into: &encoded)
                if addingSpecialTokens { encoded += template.after }
                return encoded
            }
        }
        return try result.get()
    }

    private func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, _ special: SpecialTokenPolicy, _ replacement: Int32?,
        into encoded: inout [Int32]
    ) throws(TokenizerError) {
        if special == .plainText { return try encode(bytes, in: 0..<bytes.count, replacement, into: &encoded) }
        try matchers.raw.split(bytes, special) { stretch throws(TokenizerError) in
            switch stretch {
            case .token(let token, _): encoded.append(token.id)
            case .text(let range):
                let part = UnsafeBufferPointer(rebasing: bytes[range])
                try matchers.normalized.split(part, special) { stretch throws(TokenizerError) in
                    switch stretch {
                    case .token(let token, _): encoded.append(token.id)
                    case .text(let inner):
                        let first = range.lowerBound
                        try encode(
                            bytes, in: first + inner.lowerBound..<first + inner.upperBound, replacement, into: &encoded)
                    }
                }
            }
        }
    }

    /// Appends the ids of the characters of a part of a text, in one pass over its UTF-8.
    private func encode(
        _ utf8: UnsafeBufferPointer<UInt8>, in range: Range<Int>, _ replacement: Int32?, into encoded: inout [Int32]
    ) throws(TokenizerError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let (scalar, length) = firstScalar(of: utf8, at: position)
            guard let id = ids[scalar] ?? replacement else {
                // Every character has one byte that continues no other.
                throw .unknownCharacter(
                    Unicode.Scalar(scalar) ?? "\u{FFFD}", position: utf8[..<position].count { $0 & 0xC0 != 0x80 },
                    alphabet: alphabet.count)
            }
            position += length
            encoded.append(id)
        }
    }

    public func bytes(of id: Int32) -> [UInt8] { tokens.indices.contains(Int(id)) ? tokens[Int(id)] : [] }
}

/// The scalar that starts at `position` in valid UTF-8, and its length in bytes (Unicode 16.0, table 3-6).
@inline(__always)
private func firstScalar(of utf8: UnsafeBufferPointer<UInt8>, at position: Int) -> (scalar: UInt32, length: Int) {
    func continuation(_ offset: Int) -> UInt32 { UInt32(utf8[position + offset] & 0x3F) }
    let lead = UInt32(utf8[position])
    switch lead {
    case ..<0x80: return (lead, 1)
    case ..<0xE0: return ((lead & 0x1F) << 6 | continuation(1), 2)
    case ..<0xF0: return ((lead & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
    default:
        return ((lead & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3), 4)
    }
}

/// The ids of scalars, found with two array accesses: scalars are grouped into pages of 256, and all pages without an id share
/// one.
private struct ScalarTable: Sendable {
    /// The start of each page's ids in `ids`.
    private var pages = [Int32](repeating: 0, count: 0x1100)

    /// The ids page by page, -1 for a scalar without an id; the first page is the empty one.
    private var ids = [Int32](repeating: -1, count: 256)

    init(_ alphabet: [Unicode.Scalar]) {
        for (id, scalar) in alphabet.enumerated() {
            let page = Int(scalar.value >> 8)
            if pages[page] == 0 {
                pages[page] = Int32(ids.count)
                ids.append(contentsOf: repeatElement(-1, count: 256))
            }
            ids[Int(pages[page]) + Int(scalar.value & 0xFF)] = Int32(id)
        }
    }

    @inline(__always)
    subscript(scalar: UInt32) -> Int32? {
        let id = ids[Int(pages[Int(scalar >> 8)]) + Int(scalar & 0xFF)]
        return id < 0 ? nil : id
    }
}
