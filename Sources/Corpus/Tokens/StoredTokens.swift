/// The token ids of a text, in memory or in memory-mapped files. Only those pages of a mapped file that are read occupy
/// memory.
public struct StoredTokens: RandomAccessCollection, Sendable {
    private enum Storage: Sendable {
        case memory([Int32])
        /// Parts of files, one after another.
        case files([Part])
    }

    /// Consecutive ids of a file.
    private struct Part: Sendable {
        let file: TokenFile
        /// The ids within the file.
        let range: Range<Int>
        /// How many ids come before them.
        let start: Int
    }

    private let storage: Storage
    public let count: Int

    /// Ids in memory.
    public init(_ ids: [Int32]) {
        storage = .memory(ids)
        count = ids.count
    }

    /// The ids of files, one after another.
    package init(_ files: [TokenFile]) { self.init(parts: files.map { ($0, 0..<$0.count) }) }

    private init(parts: [(file: TokenFile, range: Range<Int>)]) {
        var all: [Part] = [], count = 0
        for part in parts where !part.range.isEmpty {
            all.append(Part(file: part.file, range: part.range, start: count))
            count += part.range.count
        }
        storage = .files(all)
        self.count = count
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Int32 {
        precondition(position >= 0 && position < count, "there is no token at \(position)")
        switch storage {
        case .memory(let ids): return ids[position]
        case .files(let parts):
            let part = parts[Self.part(of: position, in: parts)]
            return part.file[part.range.lowerBound + position - part.start]
        }
    }

    /// The number of the part that contains a position.
    private static func part(of position: Int, in parts: [Part]) -> Int {
        var (low, high) = (0, parts.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if parts[middle].start <= position { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// All ids, in memory.
    package var array: [Int32] { if case .memory(let ids) = storage { ids } else { array(0..<count) } }

    /// Consecutive ids, in memory.
    package func array(_ range: Range<Int>) -> [Int32] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no tokens at \(range)")
        switch storage {
        case .memory(let ids): return Array(ids[range])
        case .files(let parts):
            guard !range.isEmpty else { return [] }
            return [Int32](unsafeUninitializedCapacity: range.count) { buffer, initialized in
                var number = Self.part(of: range.lowerBound, in: parts)
                while initialized < range.count {
                    let part = parts[number], position = range.lowerBound + initialized - part.start
                    let length = Swift.min(part.range.count - position, range.count - initialized)
                    let first = part.range.lowerBound + position
                    part.file.copy(
                        first..<first + length, to: UnsafeMutableBufferPointer(rebasing: buffer[initialized...]))
                    initialized += length
                    number += 1
                }
            }
        }
    }

    /// Consecutive ids, where they are.
    package func part(_ range: Range<Int>) -> StoredTokens {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no tokens at \(range)")
        switch storage {
        case .memory(let ids): return StoredTokens(Array(ids[range]))
        case .files(let parts):
            return StoredTokens(
                parts: parts.map { part in
                    let local = range.clamped(to: part.start..<part.start + part.range.count)
                    let shift = part.range.lowerBound - part.start
                    return (part.file, local.lowerBound + shift..<local.upperBound + shift)
                })
        }
    }

    /// Releases the memory of mapped files. Their pages are read again when they are needed.
    package func releaseMemory() {
        guard case .files(let parts) = storage else { return }
        for part in parts { part.file.release(upTo: nil) }
    }

    /// Calls `body` with all ids, some at a time, and the position of the first of them. Mapped pages are released afterwards.
    package func forEachBlock(_ body: (_ position: Int, _ ids: [Int32]) throws -> Void) rethrows {
        let length = 1 << 20
        for start in stride(from: 0, to: count, by: length) {
            let range = start..<Swift.min(start + length, count)
            try body(start, array(range))
            if case .files(let parts) = storage {
                let part = parts[Self.part(of: start, in: parts)]
                part.file.release(upTo: part.range.lowerBound + range.upperBound - part.start)
            }
        }
    }
}
