import Corpus
import Tokenizers

/// The part of a text that a vocabulary is trained on: its training part, or of a long text a sample of it.
package struct TrainingSample {
    private let text: NamedText
    private let validation: Double
    private let whole: [String]
    /// The most bytes of the sample.
    private let limit: Int

    /// Enough for a vocabulary of a hundred thousand tokens, and counted in a few seconds.
    package static let limit = 100_000_000

    /// - Parameters:
    ///   - text: the text.
    ///   - validation: the share of it that is for validation.
    ///   - whole: spellings that are not cut in two.
    ///   - limit: the most bytes of a sample of a long text.
    package init(_ text: NamedText, validation: Double, keepingWhole whole: [String] = [], limit: Int = Self.limit) {
        self.text = text
        self.validation = validation
        self.whole = whole
        self.limit = limit
    }

    /// Calls `body` with the parts of the sample, which are spread evenly over the training part.
    /// - Parameter notice: called with a message if it is not the whole training part.
    /// - Throws: why the text cannot be read, in one line.
    package func forEachPart(notice: (String) -> Void, _ body: (String) -> Void) throws {
        guard let long = text.long else {
            return body(String(TokenDataset.trainingPart(of: text, validation: validation)))
        }
        struct End: Error {}
        let cut = TokenDataset.trainingLength(of: text, long.count, validation: validation)
        // About its bytes: only how dense the sample is depends on them.
        let all = Double(long.bytes) * Double(cut) / Double(max(1, long.count))
        let share = min(1, Double(limit) / max(1, all))
        if share < 1 {
            notice(
                "The vocabulary is trained on a sample of \(limit / 1_000_000) MB, spread evenly over the "
                    + "\(Int(all) / 1_000_000) MB of the training part of \(text.name).")
        }
        var position = 0, seen = 0.0, taken = 0.0
        do {
            try long.forEachText(splitPoint: { SplitPattern.gpt2.splitPoint(in: $0) }, keepingWhole: whole) { part in
                let count = TokenDataset.characters(in: part.utf8), length = Double(part.utf8.count)
                if position >= cut { throw End() }
                seen += length
                if taken + length <= share * seen || share == 1 {
                    taken += length
                    body(position + count <= cut ? part : String(part.unicodeScalars.prefix(cut - position)))
                }
                position += count
            }
        } catch is End {}
    }
}
