/// Canonical composition and decomposition (Unicode Standard Annex 15), with the same version of the mappings as Hugging Face's tokenizers.
struct Composition: Sendable {
    static let shared = Composition()

    /// The full decomposition of each character that has one, except for Hangul syllables.
    private let decompositions: [UInt32: [UInt32]]

    /// The character that two adjacent characters compose to; the key has the first in its upper half.
    private let compositions: [UInt64: UInt32]

    /// The canonical combining class of each character whose class is not 0.
    private let classes: [UInt32: UInt8]

    /// For each page of 256 code points, whether `concerns` is true for any.
    private let pages: [Bool]

    /// The characters that NFC may replace, reorder, or compose with the one before.
    private let concerned: Set<UInt32>

    private init() {
        var single: [UInt32: [UInt32]] = [:]
        var compositions: [UInt64: UInt32] = [:]
        var concerned = Set<UInt32>()
        for row in stride(from: 0, to: canonicalDecompositions.count, by: 3) {
            let point = canonicalDecompositions[row] >> 1
            let first = canonicalDecompositions[row + 1]
            let second = canonicalDecompositions[row + 2]
            single[point] = second == 0 ? [first] : [first, second]
            if canonicalDecompositions[row] & 1 == 1 {
                compositions[UInt64(first) << 32 | UInt64(second)] = point
                concerned.insert(second)
            } else {
                concerned.insert(point)
            }
        }
        var classes: [UInt32: UInt8] = [:]
        for row in stride(from: 0, to: combiningClasses.count, by: 3) {
            for point in combiningClasses[row]...combiningClasses[row + 1] {
                classes[point] = UInt8(combiningClasses[row + 2])
                concerned.insert(point)
            }
        }
        for point in Hangul.vowels { concerned.insert(point) }
        for point in Hangul.finals { concerned.insert(point) }

        func full(_ point: UInt32) -> [UInt32] { single[point].map { $0.flatMap(full) } ?? [point] }
        decompositions = Dictionary(uniqueKeysWithValues: single.keys.map { ($0, full($0)) })
        self.compositions = compositions
        self.classes = classes
        self.concerned = concerned
        var pages = [Bool](repeating: false, count: 0x1100)
        for point in concerned { pages[Int(point >> 8)] = true }
        self.pages = pages
    }

    /// Whether NFC may replace the character, reorder it, or compose it with the one before. Before every other character a text
    /// can be split without effect on the result.
    func concerns(_ point: UInt32) -> Bool { pages[Int(point >> 8)] && concerned.contains(point) }

    /// The characters that NFD may replace or reorder, except for Hangul syllables.
    var concernedByDecomposition: [UInt32] { Array(decompositions.keys) + Array(classes.keys) }

    /// The NFC of characters. The first of them must not combine with one before.
    func composed(_ points: [UInt32]) -> [UInt32] { compose(decomposed(points)) }

    /// The NFD of characters. The first of them must not be a combining character that belongs to one before.
    func decomposed(_ points: [UInt32]) -> [UInt32] {
        var decomposed = points.flatMap(decomposition)
        order(&decomposed)
        return decomposed
    }

    private func decomposition(_ point: UInt32) -> [UInt32] { Hangul.parts(point) ?? decompositions[point] ?? [point] }

    /// Sorts the marks between two characters of class 0 by their combining classes.
    private func order(_ points: inout [UInt32]) {
        var start = 0
        while start < points.count {
            guard classes[points[start]] != nil else {
                start += 1
                continue
            }
            var end = start
            var marks: [(order: Int, point: UInt32)] = []
            while end < points.count, let markClass = classes[points[end]] {
                marks.append((Int(markClass) << 32 | end, points[end]))
                end += 1
            }
            marks.sort { $0.order < $1.order }
            for (offset, mark) in marks.enumerated() { points[start + offset] = mark.point }
            start = end
        }
    }

    /// Composes each character with the last one of class 0 before it, unless a character of the same or a higher class between
    /// them blocks it.
    private func compose(_ points: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var starter: Int?
        var lastClass: UInt8 = 0
        for point in points {
            let pointClass = classes[point] ?? 0
            if let starter, result.count - 1 == starter || lastClass < pointClass {
                if let composed = pair(result[starter], point) {
                    result[starter] = composed
                    continue
                }
            }
            if pointClass == 0 { starter = result.count }
            lastClass = pointClass
            result.append(point)
        }
        return result
    }

    private func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.composed(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
    }
}

/// Hangul syllables, which are composed and decomposed by arithmetic (Unicode 16.0, section 3.12).
enum Hangul {
    private static let leads: Range<UInt32> = 0x1100..<0x1113
    static let vowels: Range<UInt32> = 0x1161..<0x1176
    static let finals: Range<UInt32> = 0x11A8..<0x11C3
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4

    static func parts(_ point: UInt32) -> [UInt32]? {
        guard syllables.contains(point) else { return nil }
        let index = point - syllables.lowerBound
        let pair = [leads.lowerBound + index / 588, vowels.lowerBound + index % 588 / 28]
        return index % 28 == 0 ? pair : pair + [finals.lowerBound + index % 28 - 1]
    }

    static func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leads.contains(first), vowels.contains(second) {
            return syllables.lowerBound + ((first - leads.lowerBound) * 21 + second - vowels.lowerBound) * 28
        }
        if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, finals.contains(second) {
            return first + second - finals.lowerBound + 1
        }
        return nil
    }
}
