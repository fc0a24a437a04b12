/// The expression of `cl100k_base` and its variants:
/// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` and for white space
/// `\s+$|\s*[\r\n]|\s+(?!\S)|\s` in tiktoken, the same without `\s+$` elsewhere.
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
        // As in `GPT2Pretokenizer`, with any sign in place of the space.
        if text[start] != .apostrophe, let end = text.endOfLetters(ifASCIIAt: text.positionAfterSign(at: start)) {
            return end
        }
        return endOfOther(start)
    }

    @inline(never)
    private func endOfOther(_ start: Int) -> Int {
        if text[start] == .apostrophe {
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
