/// How a byte-level tokenizer cuts a text into the pieces within which it merges bytes.
///
/// The vocabularies people publish come with one of a few regular expressions. Here each is a scanner written by hand,
/// which cuts exactly where the expression does and much faster.
public enum SplitPattern: Sendable, CaseIterable {
    /// GPT-2's: contractions, then letters, numbers or signs with at most one space before them, then white space.
    case gpt2
    /// GPT-4's `cl100k_base` as tiktoken has it: any one sign may stand before letters, numbers are cut into threes,
    /// and white space is cut after its last line break unless the text ends with it.
    case cl100k
    /// Llama 3's, and that of `cl100k_base` in Hugging Face's form: white space at the end is cut as anywhere else.
    case llama3
    /// That of Qwen2, Qwen2.5 and Qwen3: as Llama 3's, but each digit is a piece.
    case qwen2
    /// GPT-4o's `o200k_base`: words are also cut where small letters end, and keep the contraction after them.
    case o200k
    /// None: a text is one piece.
    case whole

    /// The expression as Hugging Face's `Split` writes it, and other ways of writing the same; none for `whole`.
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
        // What tiktoken writes would cut otherwise there, where `{1,3}+` is no possessive repetition.
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
    /// Calls `body` with the range of each piece of `bytes`, in order; together they are all of it.
    package func forEachPretoken(of bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void) rethrows {
        let text = TextBytes(bytes)
        switch self {
        case .gpt2: try cut(GPT2Pretokenizer(text), body)
        case .cl100k, .llama3, .qwen2: try cut(CL100KPretokenizer(text, pattern: self), body)
        case .o200k: try cut(O200KPretokenizer(text), body)
        case .whole: try cut(WholeTextPretokenizer(text), body)
        }
    }

    @inline(__always)
    private func cut(_ scanner: some Pretokenizer, _ body: (Range<Int>) throws -> Void) rethrows {
        var start = 0
        while start < scanner.text.count {
            let end = scanner.endOfPretoken(from: start)
            try body(start..<end)
            start = end
        }
    }
}
