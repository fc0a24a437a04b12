/// GPT-2's representation of bytes as visible characters, which the files of byte-level tokenizers use: a byte that is a
/// printable character of Latin-1 is that character, and the others are U+0100, U+0101 and so on, in order.
package enum ByteSymbols {
    /// The character for each byte.
    package static let scalars: [Unicode.Scalar] = {
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
    package static let bytesBySymbol: [UInt8] = (UInt8.min...UInt8.max).sorted { scalars[Int($0)] < scalars[Int($1)] }

    /// The byte that the character with this code point represents; `nil` if it represents none.
    package static func byte(_ point: some BinaryInteger) -> UInt8? {
        Int(point) < bytes.count ? bytes[Int(point)] : nil
    }

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: Int(scalars.map(\.value).max() ?? 0) + 1)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    /// The bytes that a string of such characters, in UTF-8, represents; `nil` if it contains any other character.
    package static func bytes(of symbols: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(symbols.count)
        var position = symbols.startIndex
        while position < symbols.endIndex {
            let lead = symbols[position]
            if lead < 0x80 {
                guard let byte = byte(lead) else { return nil }
                bytes.append(byte)
                position += 1
                continue
            }
            // All others are below U+0800, so their UTF-8 has two bytes.
            guard lead & 0xE0 == 0xC0, position + 1 < symbols.endIndex, symbols[position + 1] & 0xC0 == 0x80,
                let byte = byte(UInt16(lead & 0x1F) << 6 | UInt16(symbols[position + 1] & 0x3F))
            else { return nil }
            bytes.append(byte)
            position += 2
        }
        return bytes
    }

    /// The characters of `bytes`.
    package static func symbols(of bytes: some Sequence<UInt8>) -> String {
        var symbols = String.UnicodeScalarView()
        for byte in bytes { symbols.append(scalars[Int(byte)]) }
        return String(symbols)
    }
}
