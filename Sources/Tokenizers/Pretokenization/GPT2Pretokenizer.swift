/// The expression of GPT-2:
/// `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct GPT2Pretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    @inline(__always)
    func endOfPretoken(from start: Int) -> Int {
        // Nearly all pre-tokens are ASCII letters, with or without a space. Both are handled without a branch between them.
        let position = start &+ (text[start] == .space ? 1 : 0)
        return text.endOfLetters(ifASCIIAt: position) ?? endOfOther(start, position)
    }

    /// - Parameter position: after the space at `start`, or `start` itself if there is none.
    @inline(never)
    private func endOfOther(_ start: Int, _ position: Int) -> Int {
        if text[start] == .apostrophe {
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
