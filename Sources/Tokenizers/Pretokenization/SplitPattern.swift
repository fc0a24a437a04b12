/// How a byte-level tokenizer splits a text into pre-tokens, within which bytes are merged.
///
/// Published vocabularies come with one of a few regular expressions. Each is implemented by hand (`Pretokenizer`), which splits
/// exactly where the expression does, and much faster.
public enum SplitPattern: Sendable, CaseIterable {
    /// GPT-2's: contractions, then letters, numbers or signs with at most one space before them, then white space.
    case gpt2
    /// GPT-4's `cl100k_base` in tiktoken: letters with at most one sign of any kind before them, numbers of at most three
    /// digits; white space is split after its last line break, except at the end of the text.
    case cl100k
    /// Llama 3's, and `cl100k_base` in Hugging Face's tokenizers: white space at the end is split as anywhere else.
    case llama3
    /// That of Qwen2, Qwen2.5 and Qwen3: like Llama 3's, but each digit is a pre-token.
    case qwen2
    /// GPT-4o's `o200k_base`: words are also split before a capital that follows a small letter, and include a contraction
    /// after them.
    case o200k
    /// None: a text is one pre-token.
    case whole

    /// The expression as Hugging Face's `Split` spells it, then equivalent spellings; empty for `whole`.
    var expressions: [String] {
        let space = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
        let contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        func oneSign(_ number: String, _ space: String) -> String {
            contraction + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + number + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + space
        }
        switch self {
        case .gpt2:
            let rest = #"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
            return [
                "'s|'t|'re|'ve|'m|'ll|'d" + rest, "'(?:[sdmt]|ll|ve|re)" + rest,
                #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#,
            ]
        // Not tiktoken's spelling: in Hugging Face's engine `{1,3}+` is not a possessive repetition, so it splits differently.
        case .cl100k: return [oneSign(#"\p{N}{1,3}"#, #"\s+\z|"# + space)]
        case .llama3: return [oneSign(#"\p{N}{1,3}"#, space)]
        case .qwen2: return [oneSign(#"\p{N}"#, space)]
        case .o200k:
            let prefix = #"[^\r\n\p{L}\p{N}]?"#
            let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
            let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
            return [
                "\(prefix)\(upper)*\(lower)+\(contraction)?|\(prefix)\(upper)+\(lower)*\(contraction)?|"
                    + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + space
            ]
        case .whole: return []
        }
    }
}

extension SplitPattern {
    /// Calls `body` with the range of each pre-token of `bytes`, in order. They cover all bytes.
    package func forEachPretoken(of bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void) rethrows {
        let text = TextBytes(bytes)
        switch self {
        case .gpt2: try split(GPT2Pretokenizer(text), body)
        case .cl100k, .llama3, .qwen2: try split(CL100KPretokenizer(text, pattern: self), body)
        case .o200k: try split(O200KPretokenizer(text), body)
        case .whole: try split(WholeTextPretokenizer(text), body)
        }
    }

    @inline(__always)
    private func split(_ pretokenizer: some Pretokenizer, _ body: (Range<Int>) throws -> Void) rethrows {
        var start = 0
        while start < pretokenizer.text.count {
            let end = pretokenizer.endOfPretoken(from: start)
            try body(start..<end)
            start = end
        }
    }
}
