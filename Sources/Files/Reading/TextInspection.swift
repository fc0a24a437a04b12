import Platform

/// Checks a text that a user gives, block by block, for what would silently become a part of it: a byte-order mark, NUL
/// bytes, another encoding, and line ends of two characters.
struct TextInspection {
    /// The name of the text in messages.
    private let name: String
    private let reportsLineEnds: Bool

    /// The number of bytes that were inspected.
    private var position = 0
    /// Whether some of them were text.
    private(set) var hasText = false
    private var endsInReturn = false
    private var hasLineEndsOfTwo = false

    /// - Parameters:
    ///   - name: the path of the text, or "standard input".
    ///   - reportsLineEnds: whether line ends of CR LF are worth a notice.
    init(_ name: String, reportsLineEnds: Bool = true) {
        self.name = name
        self.reportsLineEnds = reportsLineEnds
    }

    /// Inspects the beginning of a text, of four bytes or more unless the text is shorter.
    /// - Parameter notice: called with a sentence about a byte-order mark.
    /// - Returns: the length of the byte-order mark, which is left out.
    /// - Throws: if the text is UTF-16 or UTF-32 with a byte-order mark.
    mutating func begin(_ bytes: ArraySlice<UInt8>, notice: (String) -> Void) throws(FileError) -> Int {
        // The mark of UTF-16 begins that of UTF-32.
        for encoding in ["UTF-32", "UTF-16"] where Self.marks(of: encoding).contains(where: { bytes.starts(with: $0) })
        {
            throw error("it is \(encoding)", from: encoding)
        }
        guard bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return 0 }
        notice("\(FileError.shown(name)) begins with a byte-order mark, which is left out.")
        position = 3
        return 3
    }

    private static func marks(of encoding: String) -> [[UInt8]] {
        encoding == "UTF-32" ? [[0xFF, 0xFE, 0, 0], [0, 0, 0xFE, 0xFF]] : [[0xFF, 0xFE], [0xFE, 0xFF]]
    }

    /// Inspects the next block, and returns it as text.
    /// - Parameter notice: called with a sentence about the first line that ends in CR LF.
    /// - Throws: if it contains a NUL byte, or is not valid UTF-8.
    mutating func text(of block: ArraySlice<UInt8>, notice: (String) -> Void) throws(FileError) -> String {
        if let offset = block.withUnsafeBytes({ Self.offset(of: 0, in: $0[...]) }) {
            if let encoding = Self.encoding(of: block) { throw error("it seems to be \(encoding)", from: encoding) }
            throw FileError(
                TextFile.attempt, name,
                "it contains a NUL byte at byte \(position + offset), so it is not a text; if it is one, remove such bytes "
                    + "with tr -d '\\000'")
        }
        guard let text = String(validating: block, as: UTF8.self) else {
            throw FileError(
                TextFile.attempt, name,
                TextFile.invalid(block, at: position) + "; if it is in another encoding, convert it, for example with "
                    + "iconv -f WINDOWS-1252 -t UTF-8")
        }
        if reportsLineEnds, !hasLineEndsOfTwo, containsLineEndOfTwo(block) {
            hasLineEndsOfTwo = true
            notice("The lines of \(FileError.shown(name)) end in CR LF, which is kept; tr -d '\\r' removes the CR.")
        }
        endsInReturn = block.last == 0x0D
        position += block.count
        if !block.isEmpty { hasText = true }
        return text
    }

    private func error(_ words: String, from encoding: String) -> FileError {
        FileError(TextFile.attempt, name, "\(words); convert it with iconv -f \(encoding) -t UTF-8")
    }

    /// Whether a CR LF ends in `block`.
    private func containsLineEndOfTwo(_ block: ArraySlice<UInt8>) -> Bool {
        if endsInReturn, block.first == 0x0A { return true }
        return block.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let offset = Self.offset(of: 0x0D, in: rest) {
                rest = rest[(rest.startIndex + offset + 1)...]
                if rest.first == 0x0A { return true }
            }
            return false
        }
    }

    private static func offset(of byte: UInt8, in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard let start = bytes.base.baseAddress.map({ $0 + bytes.startIndex }) else { return nil }
        return memchr(start, Int32(byte), bytes.count).map { UnsafeRawPointer($0) - start }
    }

    /// The encoding of a block with NUL bytes, if they are where the characters of Latin letters have them: in every other
    /// byte in UTF-16, in three of four in UTF-32.
    private static func encoding(of block: ArraySlice<UInt8>) -> String? {
        var counts = [0, 0, 0, 0]
        let sample = block.prefix(1 << 12)
        for (offset, byte) in sample.enumerated() where byte == 0 { counts[offset % 4] += 1 }
        let few = sample.count / 64, many = max(1, sample.count / 16)
        switch counts.map({ $0 >= many ? true : $0 <= few ? false : nil }) {
        case [false, true, false, true]: return "UTF-16LE"
        case [true, false, true, false]: return "UTF-16BE"
        case [false, true, true, true]: return "UTF-32LE"
        case [true, true, true, false]: return "UTF-32BE"
        default: return nil
        }
    }
}
