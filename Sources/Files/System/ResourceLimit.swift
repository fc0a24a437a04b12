import Platform

/// A resource limit of this process, in bytes (getrlimit(2)).
package enum ResourceLimit {
    /// All mapped memory.
    case addressSpace
    /// Writable mapped memory.
    case data
    case fileSize

    /// The option of the shell's `ulimit` that sets it.
    package var option: String {
        switch self {
        case .addressSpace: "-v"
        case .data: "-d"
        case .fileSize: "-f"
        }
    }

    /// The limit in bytes; nil where there is none.
    package var bytes: Int? {
        var limit = rlimit()
        // No limit is the largest number; the type is signed on some systems.
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < 1 << 60 else { return nil }
        return Int(limit.rlim_cur)
    }

    #if canImport(Glibc)
        private var resource: __rlimit_resource_t {
            switch self {
            case .addressSpace: __rlimit_resource_t(UInt32(RLIMIT_AS.rawValue))
            case .data: __rlimit_resource_t(UInt32(RLIMIT_DATA.rawValue))
            case .fileSize: __rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue))
            }
        }
    #else
        private var resource: Int32 {
            switch self {
            case .addressSpace: RLIMIT_AS
            case .data: RLIMIT_DATA
            case .fileSize: RLIMIT_FSIZE
            }
        }
    #endif
}
