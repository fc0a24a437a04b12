/// The parts that the expressions of split patterns share.
extension TextBytes {
    /// The position after the ASCII sign or white space, other than a line break, at `start`: `start` itself if there is none.
    @inline(__always)
    func positionAfterSign(at start: Int) -> Int {
        let first = self[start]
        let isSign = first < 0x80 && !classOfASCII(first).isDisjoint(with: [.space, .other])
        return start &+ (isSign ? 1 : 0)
    }

    /// The number of bytes of `'(?:[sdmt]|ll|ve|re)` at an apostrophe, 0 if it does not match. With `foldingCase`, `s` also
    /// matches U+017F, the long s, as in Unicode's simple case folding.
    func lengthOfContraction(at start: Int, foldingCase: Bool) -> Int {
        guard start + 1 < count else { return 0 }
        let fold: UInt8 = foldingCase ? 0x20 : 0
        let first = self[start + 1]
        switch first | fold {
        case UInt8(ascii: "s"), UInt8(ascii: "d"), UInt8(ascii: "m"), UInt8(ascii: "t"): return 2
        default: break
        }
        guard start + 2 < count else { return 0 }
        let second = self[start + 2]
        if foldingCase, first == 0xC5, second == 0xBF { return 3 }
        switch (first | fold, second | fold) {
        case (UInt8(ascii: "l"), UInt8(ascii: "l")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "r"), UInt8(ascii: "e")):
            return 3
        default: return 0
        }
    }

    /// The end of a number whose first digit is before `start`.
    func endOfNumber(from start: Int, atMost greatest: Int) -> Int {
        var position = start
        for _ in 1..<max(greatest, 1) where position < count {
            let (characterClass, length) = character(at: position)
            if characterClass != .number { break }
            position += length
        }
        return position
    }

    /// The end of ` ?[^\s\p{L}\p{N}]+` at `start`, given the character there; `nil` if it does not match.
    func endOfSigns(from start: Int, first: CharacterClass, length: Int) -> Int? {
        let end = start + length
        if !first.isDisjoint(with: .punctuation) { return endOfRun(of: .punctuation, from: end) }
        guard self[start] == .space, end < count else { return nil }
        let signs = endOfRun(of: .punctuation, from: end)
        return signs > end ? signs : nil
    }

    /// The end of `\s+(?!\S)|\s+`: all white space, except for its last character if something else follows.
    func endOfWhitespace(from start: Int) -> Int {
        var position = start
        var last = start
        while position < count {
            let (characterClass, length) = character(at: position)
            if characterClass.isDisjoint(with: .whitespace) { return last > start ? last : position }
            last = position
            position += length
        }
        return position
    }

    /// The end of `\s*[\r\n]+|\s+(?!\S)|\s+`: white space up to its last line break, or as `endOfWhitespace` if it has none;
    /// with `\s+$|` before it if white space at the end of the text is one pre-token.
    func endOfWhitespaceOrLines(from start: Int, keepingTrailing: Bool) -> Int {
        var position = start
        var last = start
        var afterLines = start
        while position < count {
            let (characterClass, length) = character(at: position)
            if characterClass.isDisjoint(with: .whitespace) {
                if afterLines > start { return afterLines }
                return last > start ? last : position
            }
            last = position
            position += length
            if characterClass == .lineBreak { afterLines = position }
        }
        return afterLines > start && !keepingTrailing ? afterLines : position
    }
}

extension UInt8 {
    @inline(__always)
    static var apostrophe: UInt8 { UInt8(ascii: "'") }

    @inline(__always)
    static var space: UInt8 { UInt8(ascii: " ") }
}
