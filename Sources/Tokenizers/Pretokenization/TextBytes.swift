/// The bytes of a text, read without bounds checks by pretokenizers. Nothing is read at or after `count`.
struct TextBytes {
    let base: UnsafePointer<UInt8>
    let count: Int
    private let pages: UnsafePointer<UInt16>
    private let classes: UnsafePointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        // An empty buffer may have no address; it is never read.
        base = bytes.baseAddress ?? UnsafePointer(UnicodeClasses.shared.classes)
        count = bytes.count
        pages = UnicodeClasses.shared.pages
        classes = UnicodeClasses.shared.classes
    }

    @inline(__always)
    subscript(position: Int) -> UInt8 { base[position] }

    /// The eight bytes from `position` on, the first in the lowest bits.
    @inline(__always)
    func word(at position: Int) -> UInt64 { unalignedWord(base + position) }

    /// The class of an ASCII byte.
    @inline(__always)
    func classOfASCII(_ byte: UInt8) -> CharacterClass { CharacterClass(rawValue: classes[Int(byte)]) }

    /// The class of the character at `position`, which is before the end, and its length in bytes.
    @inline(__always)
    func character(at position: Int) -> (class: CharacterClass, length: Int) {
        let lead = base[position]
        if lead < 0x80 { return (classOfASCII(lead), 1) }
        return characterBeyondASCII(at: position)
    }

    /// Decodes well-formed UTF-8 (Unicode 16.0, table 3-7); a byte that begins no valid character is one by itself.
    @inline(never)
    private func characterBeyondASCII(at position: Int) -> (class: CharacterClass, length: Int) {
        let (point, length) = scalar(at: position)
        if length == 0 { return (.other, 1) }
        let page = Int(pages[Int(point >> 8)]) << 8
        return (CharacterClass(rawValue: classes[page | Int(point & 0xFF)]), length)
    }

    /// The code point that begins at `position` and its length in bytes, which is 0 if none begins there.
    @inline(__always)
    func scalar(at position: Int) -> (point: UInt32, length: Int) {
        @inline(__always) func continuation(_ offset: Int) -> UInt32? {
            guard position + offset < count else { return nil }
            let byte = base[position + offset]
            return byte & 0xC0 == 0x80 ? UInt32(byte & 0x3F) : nil
        }
        let lead = UInt32(base[position])
        switch lead {
        case ..<0x80: return (lead, 1)
        case 0xC2..<0xE0:
            guard let second = continuation(1) else { break }
            return ((lead & 0x1F) << 6 | second, 2)
        case 0xE0..<0xF0:
            guard let second = continuation(1), let third = continuation(2) else { break }
            let point = (lead & 0x0F) << 12 | second << 6 | third
            if point >= 0x800, point >> 11 != 0x1B { return (point, 3) }
        case 0xF0..<0xF5:
            guard let second = continuation(1), let third = continuation(2), let fourth = continuation(3) else { break }
            let point = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth
            if point >= 0x10000, point <= 0x10FFFF { return (point, 4) }
        default: break
        }
        return (0, 0)
    }

    // MARK: Runs

    /// The end of the run of characters of `classes` that begins at `position`.
    @inline(__always)
    func endOfRun(of classes: CharacterClass, from position: Int) -> Int {
        var position = position
        while position < count {
            let (characterClass, length) = character(at: position)
            if characterClass.isDisjoint(with: classes) { break }
            position &+= length
        }
        return position
    }

    /// The end of the run of letters that begins at `position` with an ASCII letter: the usual word. `nil` if none does, or if
    /// fewer than eight bytes are left.
    @inline(__always)
    func endOfLetters(ifASCIIAt position: Int) -> Int? {
        guard position &+ 8 <= count else { return nil }
        let others = othersThanLetters(word(at: position))
        let run = others == 0 ? 8 : others.trailingZeroBitCount >> 3
        if run == 0 { return nil }
        if run < 8, base[position &+ run] < 0x80 { return position &+ run }
        return endOfLetters(from: position &+ run)
    }

    /// The end of the run of letters that begins at `start`; ASCII is read eight bytes at a time.
    @inline(__always)
    func endOfLetters(from start: Int) -> Int {
        var position = start
        while position &+ 8 <= count {
            let others = othersThanLetters(word(at: position))
            if others == 0 {
                position &+= 8
                continue
            }
            let run = others.trailingZeroBitCount >> 3
            position &+= run
            if base[position] < 0x80 { return position }
            break
        }
        return endOfRun(of: .letter, from: position)
    }
}

/// The highest bit of each byte of `word` that is not an ASCII letter.
@inline(__always)
func othersThanLetters(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let high = ones &* 0x80
    // Each byte in lower case and without its highest bit, so that no sum below carries into the next byte.
    let lower = (word | ones &* 0x20) & ~high
    let fromA = lower &+ ones &* (0x80 - 0x61)
    let beyondZ = lower &+ ones &* (0x80 - 0x7B)
    return ~(fromA & ~beyondZ & ~word) & high
}
