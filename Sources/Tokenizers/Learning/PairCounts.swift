/// The count of each pair, and the first and last position in its list, by the pair's key.
///
/// A hash table with open addressing over an array of records. Pairs without positions stay until the table is full; then they
/// are removed, so that memory is proportional to the current pairs rather than to all pairs ever.
struct PairCounts {
    struct Record {
        var key: UInt64
        var count: Int
        /// Positions; 0 for none.
        var first: UInt32
        var last: UInt32
    }

    private var records: [Record] = []
    /// The number of records that have positions.
    private(set) var liveCount = 0
    /// The pairs added since `takeNewKeys` was last called.
    private var newKeys: [UInt64] = []
    /// The index of a record plus one; 0 is an empty slot.
    private var slots = [UInt32](repeating: 0, count: 1 << 12)

    /// Appends a position to a pair's list.
    /// - Returns: the position before it.
    mutating func append(_ position: UInt32, to key: UInt64, count: Int) -> UInt32 {
        let number = find(key) ?? insert(key)
        let last = records[number].last
        records[number].count += count
        records[number].last = position
        if last == 0 {
            records[number].first = position
            liveCount += 1
        }
        return last
    }

    /// Removes a position from a pair's list, in which it is between `before` and `after`.
    mutating func remove(_ position: UInt32, from key: UInt64, count: Int, before: UInt32, after: UInt32) {
        guard let number = find(key) else { return }
        records[number].count -= count
        if before == 0 { records[number].first = after }
        if after == 0 { records[number].last = before }
        if before == 0, after == 0 { liveCount -= 1 }
    }

    /// How often a pair occurs.
    func count(of key: UInt64) -> Int { find(key).map { records[$0].count } ?? 0 }

    /// The leftmost position of a pair; `nil` if there is none.
    func firstPosition(of key: UInt64) -> Int? {
        guard let number = find(key), records[number].first != 0 else { return nil }
        return Int(records[number].first)
    }

    /// The pairs added since this was last called.
    mutating func takeNewKeys() -> [UInt64] {
        defer { newKeys.removeAll(keepingCapacity: true) }
        return newKeys
    }

    // MARK: The hash table

    @inline(__always)
    private func find(_ key: UInt64) -> Int? {
        var slot = firstSlot(key)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if records[number].key == key { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func insert(_ key: UInt64) -> Int {
        if 2 * records.count >= slots.count { makeRoom() }
        newKeys.append(key)
        records.append(Record(key: key, count: 0, first: 0, last: 0))
        fillSlot(key, with: UInt32(records.count))
        return records.count - 1
    }

    private mutating func makeRoom() {
        records.removeAll { $0.first == 0 }
        var size = slots.count
        while 4 * records.count >= size { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for (number, record) in records.enumerated() { fillSlot(record.key, with: UInt32(number + 1)) }
    }

    private mutating func fillSlot(_ key: UInt64, with value: UInt32) {
        var slot = firstSlot(key)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = value
    }

    /// The upper bits of a product mix all of the key (Knuth, "The art of computer programming", volume 3, section 6.4).
    @inline(__always)
    private func firstSlot(_ key: UInt64) -> Int {
        let mixed = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 32) & (slots.count - 1)
    }
}
