/// What the normalization and the splitting of BERT need to know of each code point, found with two array accesses: code points
/// are grouped into pages of 256, and all pages of code points without properties share one.
///
/// The properties are those of Hugging Face's tokenizers, in which control characters, marks and punctuation follow an older
/// version of Unicode than lower case.
final class BertCharacters: Sendable {
    static let shared = BertCharacters()

    /// Properties of a code point, as bits. The first five are in `bertCharacterChanges`.
    struct Properties: OptionSet {
        let rawValue: UInt8

        /// A control character, which cleaning removes.
        static let removed = Properties(rawValue: 1 << 0)
        /// White space, which separates words.
        static let whitespace = Properties(rawValue: 1 << 1)
        /// In a block of Chinese characters.
        static let chinese = Properties(rawValue: 1 << 2)
        /// A nonspacing mark, such as an accent.
        static let mark = Properties(rawValue: 1 << 3)
        /// A word by itself.
        static let punctuation = Properties(rawValue: 1 << 4)
        /// NFD may replace or reorder it.
        static let decomposing = Properties(rawValue: 1 << 5)
        /// It has a lower case.
        static let upper = Properties(rawValue: 1 << 6)
    }

    /// The start of each page in the other two arrays.
    private let pages: [Int32]
    private let properties: [UInt8]
    /// How far the lower case of each code point is from it.
    private let distances: [Int32]

    private init() {
        var properties = [UInt8](repeating: 0, count: 0x110000)
        for (index, change) in bertCharacterChanges.enumerated() {
            let next = index + 1 < bertCharacterChanges.count ? bertCharacterChanges[index + 1] >> 5 : 0x110000
            for point in change >> 5..<next { properties[Int(point)] = UInt8(change & 31) }
        }
        for point in Composition.shared.concernedByDecomposition {
            properties[Int(point)] |= Properties.decomposing.rawValue
        }
        for point in Hangul.syllables { properties[Int(point)] |= Properties.decomposing.rawValue }
        var lower: [Int: Int32] = [:]
        for row in stride(from: 0, to: lowerCaseRuns.count, by: 4) {
            let last = Int(lowerCaseRuns[row + 1]), step = Int(lowerCaseRuns[row + 2])
            for point in stride(from: Int(lowerCaseRuns[row]), through: last, by: step) {
                lower[point] = lowerCaseRuns[row + 3]
                properties[point] |= Properties.upper.rawValue
            }
        }
        properties[Int(Self.dottedI)] |= Properties.upper.rawValue

        var pages = [Int32](repeating: 0, count: 0x1100)
        var stored = [UInt8](repeating: 0, count: 256)
        for page in pages.indices {
            let values = properties[page << 8..<(page + 1) << 8]
            if values.allSatisfy({ $0 == 0 }) { continue }
            pages[page] = Int32(stored.count)
            stored += values
        }
        var distances = [Int32](repeating: 0, count: stored.count)
        for (point, distance) in lower { distances[Int(pages[point >> 8]) + point & 0xFF] = distance }
        self.pages = pages
        self.properties = stored
        self.distances = distances
    }

    /// İ, the only character whose lower case is two: i and a dot above.
    private static let dottedI: UInt32 = 0x130

    @inline(__always)
    private func index(_ point: UInt32) -> Int { Int(pages[Int(point >> 8)]) + Int(point & 0xFF) }

    @inline(__always)
    func properties(_ point: UInt32) -> Properties { Properties(rawValue: properties[index(point)]) }

    /// Replaces the characters from `begin` on by their lower case, each without regard to the others.
    func lowercase(_ points: inout [UInt32], from begin: Int) {
        var hasDottedI = false
        for index in begin..<points.count where properties(points[index]).contains(.upper) {
            let point = points[index]
            if point == Self.dottedI { hasDottedI = true }
            points[index] = UInt32(bitPattern: Int32(bitPattern: point) + distances[self.index(point)])
        }
        guard hasDottedI else { return }
        points.replaceSubrange(begin..., with: points[begin...].flatMap { $0 == Self.dottedI ? [0x69, 0x307] : [$0] })
    }
}
