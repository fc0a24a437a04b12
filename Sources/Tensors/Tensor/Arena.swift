import Platform

/// Large blocks in few ranges of addresses. Only the parts that have been used occupy memory.
///
/// A block is cut from the smallest free range that is large enough, and adjacent free ranges are merged.
///
/// If addresses are unlimited, the arena reserves more than any machine has memory, so that all blocks are in one
/// range. If they are limited (`ulimit -v`), or the system counts a reservation as use (`vm.overcommit_memory=2`), it
/// maps a region whenever the free ranges are too small.
///
/// The arena requests large pages: matrices are also read by columns, where every row is on another page.
package struct Arena {
    /// Free ranges that have been used before: ascending, and no two of them adjacent.
    private var free: [Range<UInt>] = []
    /// The rest of the newest region, which has never been used.
    private var unused: Range<UInt> = 0..<0
    /// The number of blocks that needed memory that had never been used.
    private(set) var growths = 0

    /// The size of a region is a multiple of this: large enough for few system calls, small enough for a small process.
    private static let regionSize: UInt = 1 << 25

    /// More bytes than any machine has; 0 if the addresses of this process are limited, because a reservation would
    /// leave none for files and threads.
    package static var defaultReservation: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let addressSpace = __rlimit_resource_t(UInt32(RLIMIT_AS.rawValue))
        #else
            let addressSpace = RLIMIT_AS
        #endif
        guard getrlimit(addressSpace, &limit) == 0, limit.rlim_cur > 1 << 48 else { return 0 }
        return 1 << 40
    }

    init(reservation: Int) {
        if reservation > 0, let region = Self.map(UInt(reservation), isReservation: true) { unused = region }
    }

    /// The address of a block of `size` bytes, a multiple of the page size; nil if the system has no more memory.
    mutating func take(_ size: UInt) -> UInt? {
        var best: Int?
        for (index, range) in free.enumerated()
        where range.size >= size && range.size < best.map({ free[$0].size }) ?? .max {
            best = index
        }
        if let best {
            let range = free[best]
            if range.size == size {
                free.remove(at: best)
            } else {
                free[best] = range.lowerBound + size..<range.upperBound
            }
            return range.lowerBound
        }
        // A free range just below the unused one is used first.
        if let last = free.firstIndex(where: { $0.upperBound == unused.lowerBound }),
            unused.upperBound - free[last].lowerBound >= size
        {
            unused = free.remove(at: last).lowerBound..<unused.upperBound
        }
        if unused.size < size {
            let wanted = (size + Self.regionSize - 1) / Self.regionSize * Self.regionSize
            guard let region = Self.map(wanted, isReservation: false) ?? Self.map(size, isReservation: false) else {
                return nil
            }
            if unused.size > 0 { give(unused) }
            unused = region
        }
        growths += 1
        defer { unused = unused.lowerBound + size..<unused.upperBound }
        return unused.lowerBound
    }

    /// Makes a block that `take` returned free again.
    mutating func give(_ block: Range<UInt>) {
        var range = block
        var (low, high) = (0, free.count)
        while low < high {
            let middle = (low + high) / 2
            if free[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        if low < free.count, free[low].lowerBound == range.upperBound {
            range = range.lowerBound..<free.remove(at: low).upperBound
        }
        if low > 0, free[low - 1].upperBound == range.lowerBound {
            free[low - 1] = free[low - 1].lowerBound..<range.upperBound
        } else {
            free.insert(range, at: low)
        }
    }

    /// New addresses from the system.
    private static func map(_ size: UInt, isReservation: Bool) -> Range<UInt>? {
        #if canImport(Darwin)
            var flags = MAP_PRIVATE | MAP_ANON
        #else
            var flags = MAP_PRIVATE | MAP_ANONYMOUS
        #endif
        if isReservation { flags |= MAP_NORESERVE }
        guard let start = mmap(nil, Int(size), PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
            return nil
        }
        #if os(Linux)
            let largePages: Int32 = 14  // MADV_HUGEPAGE, which not all headers have
            madvise(start, Int(size), largePages)
        #endif
        return UInt(bitPattern: start)..<UInt(bitPattern: start) + size
    }
}

extension Range<UInt> {
    fileprivate var size: UInt { upperBound - lowerBound }
}
