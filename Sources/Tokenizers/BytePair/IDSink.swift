/// Collects encoded ids in an array, or only counts them.
struct IDSink {
    private(set) var ids: [Int32] = []
    private(set) var count = 0
    private let keeps: Bool

    /// - Parameters:
    ///   - keeping: whether the ids are collected, and not only counted.
    ///   - expected: the approximate number of bytes to be encoded; there are about four for each id.
    init(keeping: Bool, bytes expected: Int) {
        keeps = keeping
        if keeping { ids.reserveCapacity(expected / 3 + 16) }
    }

    mutating func append(_ id: Int32) {
        count += 1
        if keeps { ids.append(id) }
    }

    mutating func append(_ staged: UnsafePointer<Int32>, count more: Int) {
        count += more
        if keeps { ids.append(contentsOf: UnsafeBufferPointer(start: staged, count: more)) }
    }
}
