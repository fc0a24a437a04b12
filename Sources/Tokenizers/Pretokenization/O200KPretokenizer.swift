/// The expression of `o200k_base` (see `SplitPattern.expressions`): with U for letters that are not lower case and marks,
/// L for letters that are not upper case and marks, and an optional sign P before,
/// `P?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|P?U+L*(?i: ... )?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
struct O200KPretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    @inline(__always)
    func endOfPretoken(from start: Int) -> Int {
        let position = text.positionAfterSign(at: start)
        if position &+ 8 <= text.count {
            // Capitals, then small letters, if the word ends within eight bytes.
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
                    return next == .apostrophe ? end &+ text.lengthOfContraction(at: end, foldingCase: true) : end
                }
            }
        }
        return endOfOther(start)
    }

    @inline(never)
    private func endOfOther(_ start: Int) -> Int {
        let (first, length) = text.character(at: start)
        if let end = endOfWord(start, first: first, length: length) {
            guard end < text.count, text[end] == .apostrophe else { return end }
            return end + text.lengthOfContraction(at: end, foldingCase: true)
        }
        if !first.isDisjoint(with: .number) { return text.endOfNumber(from: start + length, atMost: 3) }
        if var end = text.endOfSigns(from: start, first: first, length: length) {
            while end < text.count, [0x0A, 0x0D, UInt8(ascii: "/")].contains(text[end]) { end += 1 }
            return end
        }
        return text.endOfWhitespaceOrLines(from: start, keepingTrailing: false)
    }

    /// The end of the word that begins at `start`, with a sign or without; `nil` if none does.
    private func endOfWord(_ start: Int, first: CharacterClass, length: Int) -> Int? {
        let afterFirst = start + length
        switch first {
        case .number, .lineBreak: return nil
        case .upper, .lower, .caseless: return endOfLetters(from: start, capitalsSuffice: true)
        // A mark is the sign of a word that `P?U*L+` matches, or else such a word itself.
        case .mark: return endOfLetters(from: afterFirst, capitalsSuffice: false) ?? afterFirst
        default: return endOfLetters(from: afterFirst, capitalsSuffice: true)
        }
    }

    /// The end of `U*L+`, and if `capitalsSuffice` also of `U+L*`: all letters that are not lower case, then all that are not
    /// upper case. If nothing is left for `L+`, the expression backtracks to after the last letter that matches both; if there
    /// is none, only `U+L*` matches.
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
