/// A text in Unicode's form NFC, and where each of its bytes comes from.
struct NormalizedText: Sendable {
    let bytes: [UInt8]

    /// Stretches that differ from the original, in order: what they were and what they became.
    let changes: [(original: Range<Int>, normalized: Range<Int>)]

    /// The NFC of `bytes`; `nil` where they are in that form already. Bytes that are no UTF-8 stay as they are.
    init?(nfc bytes: UnsafeBufferPointer<UInt8>) {
        // Below U+0300, the first mark, which UTF-8 writes as CC 80, nothing changes.
        guard bytes.contains(where: { $0 >= 0xCC }) else { return nil }
        let text = TextBytes(bytes)
        let composition = Composition.shared
        var result: [UInt8] = []
        var changes: [(original: Range<Int>, normalized: Range<Int>)] = []
        var copied = 0  // so much of the text is in the result
        var boundary = 0  // the last character before which the text may be cut
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
            if points.isEmpty {  // the mark follows a byte that is no character
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
        // The first change that ends behind the place, or at it, if the place is where something ends.
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
