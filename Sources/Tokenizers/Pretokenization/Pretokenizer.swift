/// Finds where pieces end: one regular expression, written by hand.
protocol Pretokenizer {
    var text: TextBytes { get }

    /// The end of the piece that begins at `start`, which is before the end of the text: at least one byte further.
    func endOfPretoken(from start: Int) -> Int
}

private let apostrophe = UInt8(ascii: "'")
private let space = UInt8(ascii: " ")

/// `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct GPT2Pretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    @inline(__always)
    func endOfPretoken(from start: Int) -> Int {
        let first = text[start]
        // Nearly all pieces are ASCII letters, with or without a space. Both take the same path, so that no branch has
        // to be guessed.
        let position = start &+ (first == space ? 1 : 0)
        if position &+ 8 <= text.count {
            let others = othersThanLetters(text.word(at: position))
            let run = others == 0 ? 8 : others.trailingZeroBitCount >> 3
            if run > 0 {
                if run < 8, text[position &+ run] < 0x80 { return position &+ run }
                return text.endOfLetters(from: position &+ run)
            }
        }
        return endOfOther(start, position)
    }

    /// `position` is behind the space that `start` may be.
    @inline(never)
    private func endOfOther(_ start: Int, _ position: Int) -> Int {
        if text[start] == apostrophe {
            let length = text.lengthOfContraction(at: start, foldingCase: false)
            if length > 0 { return start + length }
        }
        if position < text.count {
            let (first, length) = text.character(at: position)
            let after = position + length
            if !first.isDisjoint(with: .punctuation) { return text.endOfRun(of: .punctuation, from: after) }
            if !first.isDisjoint(with: .letter) { return text.endOfLetters(from: after) }
            if !first.isDisjoint(with: .number) { return text.endOfRun(of: .number, from: after) }
        }
        return text.endOfWhitespace(from: start)
    }
}

/// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` and white space: in tiktoken
/// `\s+$|\s*[\r\n]|\s+(?!\S)|\s`, elsewhere without the first.
struct CL100KPretokenizer: Pretokenizer {
    let text: TextBytes
    private let greatestNumber: Int
    private let keepsTrailingWhitespace: Bool

    init(_ text: TextBytes, pattern: SplitPattern) {
        self.text = text
        greatestNumber = pattern == .qwen2 ? 1 : 3
        keepsTrailingWhitespace = pattern == .cl100k
    }

    @inline(__always)
    func endOfPretoken(from start: Int) -> Int {
        let first = text[start]
        // As in GPT-2's, with any sign in place of the space.
        let isSign = first < 0x80 && !text.classOfASCII(first).isDisjoint(with: [.space, .other])
        let position = start &+ (isSign ? 1 : 0)
        if position &+ 8 <= text.count, first != apostrophe {
            let others = othersThanLetters(text.word(at: position))
            let run = others == 0 ? 8 : others.trailingZeroBitCount >> 3
            if run > 0 {
                if run < 8, text[position &+ run] < 0x80 { return position &+ run }
                return text.endOfLetters(from: position &+ run)
            }
        }
        return endOfOther(start)
    }

    @inline(never)
    private func endOfOther(_ start: Int) -> Int {
        if text[start] == apostrophe {
            let length = text.lengthOfContraction(at: start, foldingCase: true)
            if length > 0 { return start + length }
        }
        let (first, length) = text.character(at: start)
        let afterFirst = start + length
        if !first.isDisjoint(with: .letter) { return text.endOfLetters(from: afterFirst) }
        if !first.isDisjoint(with: .number) { return text.endOfNumber(from: afterFirst, atMost: greatestNumber) }
        if first != .lineBreak, afterFirst < text.count {
            let (second, length) = text.character(at: afterFirst)
            if !second.isDisjoint(with: .letter) { return text.endOfLetters(from: afterFirst + length) }
        }
        if let end = text.endOfSigns(from: start, first: first, length: length) {
            return text.endOfRun(of: .lineBreak, from: end)
        }
        return text.endOfWhitespaceOrLines(from: start, keepingTrailing: keepsTrailingWhitespace)
    }
}

/// The expression of `o200k_base` (see `SplitPattern.expressions`): with U for letters that are not lower case and marks,
/// L for letters that are not upper case and marks, and an optional sign P before,
/// `P?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|P?U+L*(?i: ... )?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
struct O200KPretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    @inline(__always)
    func endOfPretoken(from start: Int) -> Int {
        let first = text[start]
        let isSign = first < 0x80 && !text.classOfASCII(first).isDisjoint(with: [.space, .other])
        let position = start &+ (isSign ? 1 : 0)
        if position &+ 8 <= text.count {
            // Capitals, then small letters, as far as they go in eight bytes.
            let word = text.word(at: position)
            let letters = ~othersThanLetters(word)
            let small = letters & (word << 2) & 0x8080_8080_8080_8080
            let capital = letters & ~(word << 2) & 0x8080_8080_8080_8080
            let afterCapitals = (~capital & 0x8080_8080_8080_8080).trailingZeroBitCount & ~7
            let rest = ~small & 0x8080_8080_8080_8080 & (~0 << UInt64(afterCapitals))
            if rest != 0 {
                let run = rest.trailingZeroBitCount >> 3
                let next = text[position &+ run]
                if run > 0, next < 0x80 {
                    let end = position &+ run
                    return next == apostrophe ? end &+ text.lengthOfContraction(at: end, foldingCase: true) : end
                }
            }
        }
        return endOfOther(start)
    }

    @inline(never)
    private func endOfOther(_ start: Int) -> Int {
        let (first, length) = text.character(at: start)
        if let end = endOfWord(start, first: first, length: length) {
            guard end < text.count, text[end] == apostrophe else { return end }
            return end + text.lengthOfContraction(at: end, foldingCase: true)
        }
        if !first.isDisjoint(with: .number) { return text.endOfNumber(from: start + length, atMost: 3) }
        if var end = text.endOfSigns(from: start, first: first, length: length) {
            while end < text.count, [0x0A, 0x0D, UInt8(ascii: "/")].contains(text[end]) { end += 1 }
            return end
        }
        return text.endOfWhitespaceOrLines(from: start, keepingTrailing: false)
    }

    /// The word that begins at `start`, perhaps with a sign; `nil` where none does.
    private func endOfWord(_ start: Int, first: CharacterClass, length: Int) -> Int? {
        let afterFirst = start + length
        switch first {
        case .number, .lineBreak: return nil
        case .upper, .lower, .caseless: return endOfLetters(from: start, capitalsSuffice: true)
        // A mark is a sign before a word that `P?U*L+` finds, or else that word itself.
        case .mark: return endOfLetters(from: afterFirst, capitalsSuffice: false) ?? afterFirst
        default: return endOfLetters(from: afterFirst, capitalsSuffice: true)
        }
    }

    /// `U*L+`, and if `capitalsSuffice` also `U+L*`: all that is not lower case, then all that is not upper case. Where
    /// nothing is left for the second, the first gives back characters up to the last that may be either; where there is
    /// none, it is all, which only `U+L*` allows.
    private func endOfLetters(from start: Int, capitalsSuffice: Bool) -> Int? {
        var position = start
        var afterEither: Int?
        while position < text.count {
            let (characterClass, length) = text.character(at: position)
            if characterClass == .lower { return text.endOfRun(of: .notUpper, from: position + length) }
            if characterClass.isDisjoint(with: .notLower) { break }
            position += length
            if characterClass != .upper { afterEither = position }
        }
        return afterEither ?? (capitalsSuffice && position > start ? position : nil)
    }
}

/// No expression: everything is one piece.
struct WholeTextPretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    func endOfPretoken(from start: Int) -> Int { text.count }
}

// MARK: - Parts that the expressions share

extension TextBytes {
    /// `'(?:[sdmt]|ll|ve|re)` at an apostrophe: how many bytes, or none. Where case is folded, `s` is also U+017F, the
    /// long s, as Unicode's simple case folding has it.
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

    /// ` ?[^\s\p{L}\p{N}]+` at `start`, whose character is given: where it ends; `nil` where it does not match.
    func endOfSigns(from start: Int, first: CharacterClass, length: Int) -> Int? {
        let end = start + length
        if !first.isDisjoint(with: .punctuation) { return endOfRun(of: .punctuation, from: end) }
        guard self[start] == space, end < count else { return nil }
        let signs = endOfRun(of: .punctuation, from: end)
        return signs > end ? signs : nil
    }

    /// `\s+(?!\S)|\s+`: all white space, but for its last character where something else follows.
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

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: white space up to its last line break, or as above where it has none;
    /// with `\s+$|` before it where white space at the end of the text is kept in one piece.
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
