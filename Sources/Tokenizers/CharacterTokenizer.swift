/// A tokenizer with one token for each character of an alphabet, whose id is its position in the alphabet, and `<|endoftext|>`
/// as the last token.
///
/// A character is a Unicode scalar. `é` is one or two of them, depending on how the text is composed, and CR LF is two.
public struct CharacterTokenizer: Tokenizer {
    /// The characters, in the order of their ids.
    public let alphabet: [Unicode.Scalar]

    /// The id of `<|endoftext|>`; `nil` if the vocabulary has none.
    public let endOfText: Int32?

    /// The UTF-8 of each character, by id.
    private let tokens: [[UInt8]]
    private let ids: ScalarTable

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
        self.alphabet = alphabet
        endOfText = reservingEndOfText ? Int32(alphabet.count) : nil
        tokens = alphabet.map { Array(String($0).utf8) }
        ids = ScalarTable(alphabet)
    }

    public var kind: String { "characters" }

    public var unit: String { "character" }

    public var supportedCharacters: [Unicode.Scalar]? { alphabet }

    public var form: TokenizerForm { .characters(self) }

    public var vocabularySize: Int { alphabet.count + (endOfText == nil ? 0 : 1) }

    /// The ids of the characters of `text`, and that of `<|endoftext|>` where `special` allows it.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        try encode(text, special: special) { try encodeCharacters($0, replacing: unknown) }
    }

    /// The ids of the characters of a text, in one pass over its UTF-8.
    private func encodeCharacters(_ text: String, replacing unknown: Unicode.Scalar?) throws -> [Int32] {
        let replacement = try unknown.map { unknown in
            guard let id = ids[unknown.value] else {
                throw TokenizerError.unknownReplacement(unknown, alphabet: alphabet.count)
            }
            return id
        }
        var text = text
        return try text.withUTF8 { utf8 in
            var encoded: [Int32] = []
            encoded.reserveCapacity(utf8.count)
            var position = 0
            while position < utf8.count {
                let (scalar, length) = firstScalar(of: utf8, at: position)
                position += length
                guard let id = ids[scalar] ?? replacement else {
                    // There are as many ids so far as characters before this one.
                    throw TokenizerError.unknownCharacter(
                        Unicode.Scalar(scalar) ?? "\u{FFFD}", position: encoded.count, alphabet: alphabet.count)
                }
                encoded.append(id)
            }
            return encoded
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
