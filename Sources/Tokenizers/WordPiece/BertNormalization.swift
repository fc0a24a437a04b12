/// What happens to a text before it is split into words (Hugging Face's `BertNormalizer`). The steps are done in this order.
public struct BertNormalization: Sendable, Hashable {
    /// Whether control characters are removed, and white space becomes spaces (`clean_text`).
    public var cleansText: Bool

    /// Whether Chinese characters are words by themselves (`handle_chinese_chars`).
    public var separatesChineseCharacters: Bool

    /// Whether characters are decomposed (NFD) and their accents removed (`strip_accents`); `nil` for the same as
    /// `lowercases`.
    public var stripsAccents: Bool?

    /// Whether letters become lower case (`lowercase`).
    public var lowercases: Bool

    /// A normalization with these steps; by default those of `bert-base-uncased`.
    public init(
        cleansText: Bool = true, separatesChineseCharacters: Bool = true, stripsAccents: Bool? = nil,
        lowercases: Bool = true
    ) {
        self.cleansText = cleansText
        self.separatesChineseCharacters = separatesChineseCharacters
        self.stripsAccents = stripsAccents
        self.lowercases = lowercases
    }

    /// A normalization that changes nothing.
    static let none = BertNormalization(
        cleansText: false, separatesChineseCharacters: false, stripsAccents: false, lowercases: false)

    /// Whether accents are removed.
    var removesMarks: Bool { stripsAccents ?? lowercases }
}

extension BertNormalization {
    /// Appends the normalized form of characters to `result`.
    /// - Parameters:
    ///   - text: a text, or a part of it: what precedes and follows it must be an ASCII character that is not removed.
    ///   - result: gets the code points.
    func append(_ text: TextBytes, _ range: Range<Int>, to result: inout [UInt32]) {
        let characters = BertCharacters.shared
        let begin = result.count
        var decomposes = false
        var position = range.lowerBound
        while position < range.upperBound {
            var (point, length) = text.scalar(at: position)
            if length == 0 { (point, length) = (0xFFFD, 1) }
            position += length
            let properties = characters.properties(point)
            if cleansText {
                if properties.contains(.removed) { continue }
                if properties.contains(.whitespace) { point = 0x20 }
            }
            if properties.contains(.decomposing) { decomposes = true }
            if separatesChineseCharacters, properties.contains(.chinese) {
                result += [0x20, point, 0x20]
            } else {
                result.append(point)
            }
        }
        if removesMarks {
            if decomposes {
                let points = Composition.shared.decomposed(Array(result[begin...]))
                result.replaceSubrange(begin..., with: points)
            }
            var kept = begin
            for index in begin..<result.count where !characters.properties(result[index]).contains(.mark) {
                result[kept] = result[index]
                kept += 1
            }
            result.removeSubrange(kept...)
        }
        if lowercases { characters.lowercase(&result, from: begin) }
    }

    /// The normalized text.
    func normalized(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var points: [UInt32] = []
        append(TextBytes(bytes), 0..<bytes.count, to: &points)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for point in points { result.append(utf8Of: point) }
        return result
    }
}

extension [UInt8] {
    /// Appends a code point in UTF-8 (Unicode 16.0, table 3-6).
    mutating func append(utf8Of point: UInt32) {
        func byte(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | (point >> shift & 0x3F)) }
        switch point {
        case ..<0x80: append(UInt8(truncatingIfNeeded: point))
        case ..<0x800:
            append(UInt8(truncatingIfNeeded: 0xC0 | point >> 6))
            append(byte(0))
        case ..<0x10000:
            append(UInt8(truncatingIfNeeded: 0xE0 | point >> 12))
            append(byte(6))
            append(byte(0))
        default:
            append(UInt8(truncatingIfNeeded: 0xF0 | point >> 18))
            append(byte(12))
            append(byte(6))
            append(byte(0))
        }
    }
}
