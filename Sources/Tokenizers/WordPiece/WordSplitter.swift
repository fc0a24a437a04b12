/// Normalizes a text and splits it into words and punctuation (Hugging Face's `BertNormalizer` and `BertPreTokenizer`).
struct WordSplitter {
    let normalization: BertNormalization

    /// The normalized code points of a part of the text.
    private var points: [UInt32] = []
    /// A word in UTF-8.
    private var word: [UInt8] = []

    init(_ normalization: BertNormalization) { self.normalization = normalization }

    /// Calls `body` with each word of a part of a text and the number of its characters. What precedes and follows the part must
    /// be an ASCII character that is not removed.
    /// - Parameters:
    ///   - text: the text.
    ///   - range: the part.
    ///   - body: it may append to the word.
    mutating func forEachWord(
        of text: TextBytes, _ range: Range<Int>, _ body: (_ word: inout [UInt8], _ characters: Int) -> Void
    ) {
        points.removeAll(keepingCapacity: true)
        normalization.append(text, range, to: &points)
        let characters = BertCharacters.shared
        word.removeAll(keepingCapacity: true)
        var length = 0
        for point in points {
            let properties = characters.properties(point)
            let separates = !properties.isDisjoint(with: [.whitespace, .punctuation])
            if separates, length > 0 {
                body(&word, length)
                word.removeAll(keepingCapacity: true)
                length = 0
            }
            if properties.contains(.whitespace) { continue }
            word.append(utf8Of: point)
            length += 1
            if separates {
                body(&word, 1)
                word.removeAll(keepingCapacity: true)
                length = 0
            }
        }
        if length > 0 { body(&word, length) }
    }

    /// Calls `body` with each word of a text.
    mutating func forEachWord(of bytes: UnsafeBufferPointer<UInt8>, _ body: ([UInt8]) -> Void) {
        let text = TextBytes(bytes)
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != 0x20, text[end] != 0x0A { end += 1 }
            forEachWord(of: text, start..<end) { word, _ in body(word) }
            start = end + 1
        }
    }
}
