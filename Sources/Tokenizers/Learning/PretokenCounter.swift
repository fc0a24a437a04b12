/// The different pieces of a text, and how often each occurs: all that training needs of it.
///
/// A gigabyte of prose has some millions of different pieces, so this is what lets a text be longer than memory.
public struct PretokenCounter: Sendable {
    /// The bytes of the different pieces, one after another in the order of their first occurrence.
    private(set) var bytes: [UInt8] = []

    /// Where each piece ends in `bytes`.
    private(set) var ends: [Int] = []

    /// How often each occurs.
    private(set) var counts: [Int] = []

    /// All pieces that were counted, and their bytes.
    public private(set) var totalPieces = 0
    public private(set) var totalBytes = 0

    /// A hash table with open addressing. A slot holds half of a piece's hash, above its number plus one; 0 is empty.
    private var slots = [UInt64](repeating: 0, count: 1 << 12)

    /// Another one in every process, so that no text can be made for which the table is slow. It changes no result.
    private let seed = UInt64.random(in: 0...UInt64.max)

    public init() {}

    /// The number of different pieces.
    public var count: Int { counts.count }

    /// The bytes of a piece and how often it occurred, by the order of first occurrence.
    public subscript(number: Int) -> (bytes: ArraySlice<UInt8>, count: Int) {
        (bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]], counts[number])
    }

    /// Counts `times` occurrences of a piece. One without bytes is none.
    public mutating func add(_ piece: some Collection<UInt8>, times: Int = 1) {
        let isCounted: Void? = piece.withContiguousStorageIfAvailable { add(contiguous: $0, times: times) }
        if isCounted == nil { Array(piece).withUnsafeBufferPointer { add(contiguous: $0, times: times) } }
    }

    /// The same, for the scanners.
    @inline(__always)
    mutating func add(contiguous piece: UnsafeBufferPointer<UInt8>, times: Int = 1) {
        guard !piece.isEmpty else { return }
        totalPieces += times
        totalBytes += times * piece.count
        let hash = hash(of: piece)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32 {
                let number = Int(slots[slot] & 0xFFFF_FFFF) - 1
                if isPiece(number, piece) {
                    counts[number] += times
                    return
                }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        bytes.append(contentsOf: piece)
        ends.append(bytes.count)
        counts.append(times)
        slots[slot] = (hash >> 32) << 32 | UInt64(counts.count)
        if 2 * counts.count > slots.count { grow() }
    }

    @inline(__always)
    private func isPiece(_ number: Int, _ piece: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = number == 0 ? 0 : ends[number - 1]
        guard ends[number] - start == piece.count else { return false }
        for i in 0..<piece.count where bytes[start + i] != piece[i] { return false }
        return true
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: 4 * slots.count)
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            for (number, end) in ends.enumerated() {
                let hash = hash(of: UnsafeBufferPointer(rebasing: bytes[start..<end]))
                var slot = Int(truncatingIfNeeded: hash) & (larger.count - 1)
                while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
                larger[slot] = (hash >> 32) << 32 | UInt64(number + 1)
                start = end
            }
        }
        slots = larger
    }

    /// Eight bytes at a time, each mixed in as in wyhash (Wang Yi, 2019).
    @inline(__always)
    private func hash(of piece: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(piece)
        var hash = seed ^ UInt64(truncatingIfNeeded: raw.count)
        var position = 0
        while position + 8 <= raw.count {
            hash = mixed(hash, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < raw.count {
            rest = rest << 8 | UInt64(raw[position])
            position += 1
        }
        return mixed(hash, rest)
    }
}
