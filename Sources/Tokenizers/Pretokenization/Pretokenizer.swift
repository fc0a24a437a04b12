/// Finds where pre-tokens end: the regular expression of a `SplitPattern`, written by hand.
protocol Pretokenizer {
    var text: TextBytes { get }

    /// The end of the pre-token that begins at `start`, which is before the end of the text: at least one byte further.
    func endOfPretoken(from start: Int) -> Int
}

/// No expression: the whole text is one pre-token.
struct WholeTextPretokenizer: Pretokenizer {
    let text: TextBytes

    init(_ text: TextBytes) { self.text = text }

    func endOfPretoken(from start: Int) -> Int { text.count }
}
