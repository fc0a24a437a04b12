#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Files {
    /// The memory this process may use, in bytes: that of the machine, or what its container or `ulimit -v` leaves of it.
    /// `Int.max` where the system does not say.
    package static var availableMemory: Int {
        let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
        let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (physical, overflows) = pages.multipliedReportingOverflow(by: pageSize)
        var available = pages > 0 && pageSize > 0 && !overflows ? physical : Int.max
        var limit = rlimit()
        #if canImport(Glibc)
            let addressSpace = __rlimit_resource_t(UInt32(RLIMIT_AS.rawValue))
        #else
            let addressSpace = RLIMIT_AS
        #endif
        if getrlimit(addressSpace, &limit) == 0 { available = min(available, Int(clamping: limit.rlim_cur)) }
        #if os(Linux)
            // Of control groups version 2 and 1, as a container sees its own.
            for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
                if let limit = firstLine(path).flatMap(memoryLimit) { available = min(available, limit) }
            }
        #endif
        return available
    }

    /// Tells the system that all of this memory is about to be written: it then comes in large pages, where there are such,
    /// which takes a fraction of the time.
    package static func expectWriting(to memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            guard let start = memory.baseAddress, memory.count >= 1 << 22 else { return }
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let first = (Int(bitPattern: start) + page - 1) / page * page - Int(bitPattern: start)
            let hugePages: Int32 = 14  // MADV_HUGEPAGE, which not all headers have
            madvise(start + first, (memory.count - first) / page * page, hugePages)
        #endif
    }

    /// The bytes that a control group's file names; nil for "max" and whatever else sets no limit.
    package static func memoryLimit(_ line: String) -> Int? {
        let digits = line.utf8.prefix { $0 >= 48 && $0 <= 57 }
        guard !digits.isEmpty else { return nil }
        // More digits than an Int has are no limit.
        return Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The start of a file of the system's, which has no length.
    private static func firstLine(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        return String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
