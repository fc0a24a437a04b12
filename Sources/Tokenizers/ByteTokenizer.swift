/// One token for each of the 256 bytes, its id the byte itself, and `<|endoftext|>` as the last: 257.
///
/// It has a word for every text, and for half a character too.
public struct ByteTokenizer: Tokenizer {
    public init() {}

    public var kind: String { "bytes" }

    public var vocabularySize: Int { 257 }

    public var endOfText: Int32? { 256 }

    /// The bytes of the UTF-8 of `text`; no text is refused.
    public func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }

    public func bytes(of id: Int32) -> [UInt8] { UInt8(exactly: id).map { [$0] } ?? [] }
}

/// GPT-2's way of writing bytes as characters one can see, which the vocabularies of byte-level tokenizers use:
/// the printable characters of Latin-1 stand for their own bytes, and the rest for U+0100, U+0101 and on, in order.
enum ByteSymbols {
    /// The character for each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt8 = 0
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                return Unicode.Scalar(0x100 + UInt16(next)) ?? " "
            }
        }
    }()

    /// The bytes in the order of their characters.
    static let bytesBySymbol: [UInt8] = (UInt8.min...UInt8.max).sorted { scalars[Int($0)] < scalars[Int($1)] }

    /// The byte that the character with this number stands for.
    static func byte(_ point: some BinaryInteger) -> UInt8? { Int(point) < bytes.count ? bytes[Int(point)] : nil }

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: Int(scalars.map(\.value).max() ?? 0) + 1)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()
}
