/// The distinct pre-tokens of a text, and how often each occurs: all that training needs of the text.
///
/// A gigabyte of prose has some millions of distinct pre-tokens, so a text can be larger than memory.
public struct PretokenCounter: Sendable {
    /// The concatenated bytes of the distinct pre-tokens, in the order of their first occurrence.
    private(set) var bytes: [UInt8] = []

    /// The end of each pre-token in `bytes`.
    private(set) var ends: [Int] = []

    /// How often each pre-token occurs.
    private(set) var counts: [Int] = []

    /// The number of pre-tokens counted, including repetitions.
    public private(set) var totalPretokens = 0

    /// The number of their bytes.
    public private(set) var totalBytes = 0

    /// A hash table with open addressing. A slot contains half of a pre-token's hash in the upper half, and its number plus one
    /// in the lower; 0 is an empty slot.
    private var slots = [UInt64](repeating: 0, count: 1 << 12)

    /// Different in every process, so that no text can be made for which the table is slow. It does not affect results.
    private let seed = UInt64.random(in: 0...UInt64.max)

    /// A counter of no pre-tokens.
    public init() {}

    /// The number of distinct pre-tokens.
    public var count: Int { counts.count }

    /// The bytes of a pre-token and how often it occurred, by its number in the order of first occurrence.
    public subscript(number: Int) -> (bytes: ArraySlice<UInt8>, count: Int) {
        (bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]], counts[number])
    }

    /// Counts `times` occurrences of a pre-token. An empty one is ignored.
    public mutating func add(_ pretoken: some Collection<UInt8>, times: Int = 1) {
        let isCounted: Void? = pretoken.withContiguousStorageIfAvailable { add(contiguous: $0, times: times) }
        if isCounted == nil { Array(pretoken).withUnsafeBufferPointer { add(contiguous: $0, times: times) } }
    }

    /// Counts `times` occurrences of a pre-token in contiguous memory.
    @inline(__always)
    mutating func add(contiguous pretoken: UnsafeBufferPointer<UInt8>, times: Int = 1) {
        guard !pretoken.isEmpty else { return }
        totalPretokens += times
        totalBytes += times * pretoken.count
        let hash = hash(of: pretoken)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32 {
                let number = Int(slots[slot] & 0xFFFF_FFFF) - 1
                if isPretoken(number, pretoken) {
                    counts[number] += times
                    return
                }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        bytes.append(contentsOf: pretoken)
        ends.append(bytes.count)
        counts.append(times)
        slots[slot] = (hash >> 32) << 32 | UInt64(counts.count)
        if 2 * counts.count > slots.count { grow() }
    }

    @inline(__always)
    private func isPretoken(_ number: Int, _ pretoken: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = number == 0 ? 0 : ends[number - 1]
        guard ends[number] - start == pretoken.count else { return false }
        for i in 0..<pretoken.count where bytes[start + i] != pretoken[i] { return false }
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

    /// The hash of eight bytes at a time, mixed as in wyhash (Wang Yi, 2019).
    @inline(__always)
    private func hash(of pretoken: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(pretoken)
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
