import Platform

extension Files {
    /// The memory that this process can still allocate, in bytes: the memory of the machine, its container or its
    /// limits (`ulimit -v`, `ulimit -d`), less what it uses already. `Int.max` if the system does not report it.
    package static var availableMemory: Int {
        let usage = MemoryUsage.current
        let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
        let (physical, overflows) = pages.multipliedReportingOverflow(by: pageSize)
        var available = pages > 0 && !overflows ? physical - usage.resident : Int.max
        for (limit, used) in [(ResourceLimit.addressSpace, usage.addresses), (.data, usage.data)] {
            if let bytes = limit.bytes { available = min(available, bytes - used) }
        }
        #if os(Linux)
            for path in controlGroupLimits {
                if let limit = memoryLimit(path) { available = min(available, limit - usage.resident) }
            }
        #endif
        return max(0, available)
    }

    /// Throws if `bytes` of memory are not available.
    /// - Parameters:
    ///   - bytes: the size of the allocation.
    ///   - attempt: the beginning of the error message: "cannot read".
    ///   - path: the file that is read or written.
    ///   - reason: what needs the memory: "its tokens take".
    package static func requireMemory(
        _ bytes: Int, _ attempt: String, _ path: String, _ reason: @autoclosure () -> String
    ) throws(FileError) {
        let available = availableMemory
        guard bytes > available else { return }
        throw FileError(
            attempt, path, "\(reason()) about \(megabytes(bytes)) of memory, and \(megabytes(available)) are available")
    }

    /// "3,221 MB"
    private static func megabytes(_ bytes: Int) -> String {
        var groups: [String] = []
        var rest = bytes / 1_000_000
        while rest >= 1000 {
            groups.append(String(String(1000 + rest % 1000).dropFirst()))
            rest /= 1000
        }
        return ([String(rest)] + groups.reversed()).joined(separator: ",") + " MB"
    }

    static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Advises the system that all of this memory is about to be written. It then allocates huge pages, if it has them,
    /// which takes a fraction of the time.
    package static func expectWriting(to memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            guard let start = memory.baseAddress, memory.count >= 1 << 22 else { return }
            let page = pageSize
            let first = (Int(bitPattern: start) + page - 1) / page * page - Int(bitPattern: start)
            let hugePages: Int32 = 14  // MADV_HUGEPAGE, which not all headers have
            madvise(start + first, (memory.count - first) / page * page, hugePages)
        #endif
    }
}

/// The memory that a process uses, in bytes.
private struct MemoryUsage {
    /// Pages in physical memory.
    var resident = 0
    /// All mapped memory.
    var addresses = 0
    /// Writable mapped memory.
    var data = 0

    static var current: MemoryUsage {
        #if os(Linux)
            // In pages: size, resident, shared, text, 0, data and stack, 0.
            let fields = Files.smallFile("/proc/self/statm")?.split(separator: " ").map { Int($0) ?? 0 } ?? []
            guard fields.count >= 6 else { return MemoryUsage() }
            return MemoryUsage(
                resident: fields[1] * Files.pageSize, addresses: fields[0] * Files.pageSize,
                data: fields[5] * Files.pageSize)
        #else
            var usage = rusage()
            getrusage(RUSAGE_SELF, &usage)
            // The maximum so far, in bytes on Apple platforms.
            return MemoryUsage(resident: Int(usage.ru_maxrss))
        #endif
    }
}
