/// The classes of characters that split patterns tell apart, as bits, so that a class of a pattern is a union of them.
struct CharacterClass: OptionSet {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Upper and title case letters: `\p{Lu}` and `\p{Lt}`.
    static let upper = CharacterClass(rawValue: 1 << 0)
    /// Lower case letters: `\p{Ll}`.
    static let lower = CharacterClass(rawValue: 1 << 1)
    /// Letters without case: `\p{Lm}` and `\p{Lo}`.
    static let caseless = CharacterClass(rawValue: 1 << 2)
    /// `\p{M}`.
    static let mark = CharacterClass(rawValue: 1 << 3)
    /// `\p{N}`.
    static let number = CharacterClass(rawValue: 1 << 4)
    /// `\s` but for CR and LF.
    static let space = CharacterClass(rawValue: 1 << 5)
    /// `[\r\n]`.
    static let lineBreak = CharacterClass(rawValue: 1 << 6)
    /// All the rest, and every byte that is no part of valid UTF-8.
    static let other = CharacterClass(rawValue: 1 << 7)

    /// `\p{L}`
    static let letter: CharacterClass = [.upper, .lower, .caseless]
    /// `\s`
    static let whitespace: CharacterClass = [.space, .lineBreak]
    /// `[^\s\p{L}\p{N}]`
    static let punctuation: CharacterClass = [.mark, .other]
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
    static let notLower: CharacterClass = [.upper, .caseless, .mark]
    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
    static let notUpper: CharacterClass = [.lower, .caseless, .mark]
}

/// The class of every code point, in two reads: code points come in pages of 256, and equal pages of one class are one.
///
/// The classes are those of Unicode 16.0, which tiktoken and Hugging Face's tokenizers have. The standard library's are
/// of another version, and its ids would differ for the characters that came in between.
final class UnicodeClasses: @unchecked Sendable {  // written in init only
    /// Made once; every scanner has it.
    static let shared = UnicodeClasses()

    /// For each page the start of its classes in `classes`.
    let pages: UnsafePointer<UInt16>
    /// Page 0, which holds ASCII, is the first.
    let classes: UnsafePointer<UInt8>

    private init() {
        var pages: [UInt16] = []
        var classes: [UInt8] = []
        var uniform = [UInt16?](repeating: nil, count: 256)
        var change = 0
        var current: UInt8 = 0
        for page in 0..<UInt32(0x1100) {
            let isUniform =
                change == unicodeClassChanges.count || unicodeClassChanges[change] >> 3 >= (page + 1) << 8
            if isUniform, let other = uniform[Int(current)] {
                pages.append(other)
                continue
            }
            let start = UInt16(classes.count >> 8)
            if isUniform { uniform[Int(current)] = start }
            pages.append(start)
            for point in page << 8..<(page + 1) << 8 {
                if change < unicodeClassChanges.count, unicodeClassChanges[change] >> 3 == point {
                    current = 1 << UInt8(unicodeClassChanges[change] & 7)
                    change += 1
                }
                classes.append(current)
            }
        }
        self.pages = UnsafePointer(copied(pages))
        self.classes = UnsafePointer(copied(classes))
    }

    deinit {
        pages.deallocate()
        classes.deallocate()
    }

    @inline(__always)
    func callAsFunction(_ point: UInt32) -> CharacterClass {
        CharacterClass(rawValue: classes[Int(pages[Int(point >> 8)]) << 8 | Int(point & 0xFF)])
    }
}

/// The elements of an array in memory of their own, which the caller frees.
func copied<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    elements.withUnsafeBufferPointer { elements in
        if let start = elements.baseAddress { copy.initialize(from: start, count: elements.count) }
    }
    return copy
}

/// The classes that GPT-2's pattern tells apart, for programs in other languages that are to cut as `SplitPattern.gpt2` does.
package enum GPT2CharacterClass: Int, Sendable {
    case other, letter, number, whitespace

    /// The code points at which the class changes, from 0 on, with the class that begins there.
    package static let changes: [(point: Int, class: Self)] = unicodeClassChanges.reduce(into: [(0, .other)]) {
        changes, change in
        let newClass: Self =
            switch change & 7 {
            case 0, 1, 2: .letter
            case 4: .number
            case 5, 6: .whitespace
            default: .other
            }
        if changes[changes.count - 1].class != newClass { changes.append((Int(change >> 3), newClass)) }
    }
}
