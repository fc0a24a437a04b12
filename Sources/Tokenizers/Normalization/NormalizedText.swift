/// A text in Unicode's normalization form NFC, and the origin of each of its bytes.
struct NormalizedText: Sendable {
    /// The normalized text.
    let bytes: [UInt8]

    /// The segments that were changed, in order: their bytes in the original and in the normalized text.
    let changes: [(original: Range<Int>, normalized: Range<Int>)]

    /// The NFC of `bytes`; `nil` if they are in that form already. Bytes that are not valid UTF-8 are kept.
    init?(nfc bytes: UnsafeBufferPointer<UInt8>) {
        // Nothing changes below U+0300, the first mark, which is CC 80 in UTF-8.
        guard bytes.contains(where: { $0 >= 0xCC }) else { return nil }
        let text = TextBytes(bytes)
        let composition = Composition.shared
        var result: [UInt8] = []
        var changes: [(original: Range<Int>, normalized: Range<Int>)] = []
        var copied = 0  // the end of the part of the text that is in the result
        var boundary = 0  // the last position so far at which the text can be split
        var position = 0
        while position < text.count {
            let (point, length) = text.scalar(at: position)
            guard length > 0, composition.concerns(point) else {
                boundary = position
                position += max(length, 1)
                continue
            }
            var points: [UInt32] = []
            var end = boundary
            while end < text.count {
                let (point, length) = text.scalar(at: end)
                if length == 0 || (end > boundary && !composition.concerns(point)) { break }
                points.append(point)
                end += length
            }
            if points.isEmpty {  // the mark follows an invalid byte
                boundary = position
                continue
            }
            let composed = composition.composed(points)
            if composed != points {
                result += bytes[copied..<boundary]
                let start = result.count
                for point in composed { result += String(Unicode.Scalar(point) ?? "\u{FFFD}").utf8 }
                changes.append((boundary..<end, start..<result.count))
                copied = end
            }
            position = end
            boundary = end
        }
        if changes.isEmpty { return nil }
        self.bytes = result + bytes[copied...]
        self.changes = changes
    }

    /// The origin of bytes in an original text.
    enum Origin {
        /// They are the original bytes from `offset` on.
        case same(offset: Int)
        /// They begin at `start` in a normalized text whose original begins at `offset`.
        case changed(NormalizedText, offset: Int, start: Int = 0)

        func advanced(by count: Int) -> Origin {
            switch self {
            case .same(let offset): .same(offset: offset + count)
            case .changed(let text, let offset, let start): .changed(text, offset: offset, start: start + count)
            }
        }

        /// The original bytes of a range of these bytes.
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

    /// The position in the original of a position in the normalized text: if it is within a change, the start or the end of that.
    private func original(_ position: Int, isEnd: Bool) -> Int {
        // The first change that ends after the position, or at it if the position is the end of a range.
        var low = 0, high = changes.count
        while low < high {
            let middle = (low + high) / 2
            let end = changes[middle].normalized.upperBound
            if end < position || (end == position && !isEnd) { low = middle + 1 } else { high = middle }
        }
        if low < changes.count {
            let change = changes[low]
            let begin = change.normalized.lowerBound
            if begin < position || (begin == position && !isEnd) {
                return isEnd ? change.original.upperBound : change.original.lowerBound
            }
        }
        guard low > 0 else { return position }
        return position + changes[low - 1].original.upperBound - changes[low - 1].normalized.upperBound
    }
}
