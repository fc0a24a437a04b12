/// A text in Unicode's form NFC, and where each of its bytes comes from.
struct NormalizedText: Sendable {
    let bytes: [UInt8]

    /// Stretches that differ from the original, in order: what they were and what they became.
    let changes: [(original: Range<Int>, normalized: Range<Int>)]

    /// The NFC of `bytes`; `nil` where they are in that form already.
    init?(nfc bytes: UnsafeBufferPointer<UInt8>) {
        return nil
    }

    /// Where bytes come from.
    enum Origin {
        /// They are the text's own from `offset` on.
        case same(offset: Int)
        /// They begin at `start` in a normalized text, which was made of the bytes from `offset` on.
        case changed(NormalizedText, offset: Int, start: Int = 0)

        func advanced(by count: Int) -> Origin {
            switch self {
            case .same(let offset): .same(offset: offset + count)
            case .changed(let text, let offset, let start): .changed(text, offset: offset, start: start + count)
            }
        }

        /// The bytes of the original that these bytes were made of.
        func range(_ range: Range<Int>) -> Range<Int> {
            switch self {
            case .same(let offset): return range.lowerBound + offset..<range.upperBound + offset
            case .changed(let text, let offset, let start):
                let lower = text.original(range.lowerBound + start, isEnd: false)
                let upper = text.original(range.upperBound + start, isEnd: true)
                return lower + offset..<max(lower, upper) + offset
            }
        }
    }

    /// The place in the original of a place in the normalized text: for one within a change its beginning or its end.
    private func original(_ position: Int, isEnd: Bool) -> Int {
        var shift = 0
        for change in changes {
            if position < change.normalized.lowerBound || (position == change.normalized.lowerBound && isEnd) { break }
            if position < change.normalized.upperBound || (position == change.normalized.upperBound && isEnd) {
                return isEnd ? change.original.upperBound : change.original.lowerBound
            }
            shift = change.original.upperBound - change.normalized.upperBound
        }
        return position + shift
    }
}
