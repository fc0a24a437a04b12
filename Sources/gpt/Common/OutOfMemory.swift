import CKernels
import Files
import Platform
import Synchronization

/// Ends the process if memory cannot be allocated: temporary files are removed, one line is printed, and the exit
/// status is 1. The last save of a training run stays unchanged.
enum OutOfMemory {
    /// Memory that is released first, because printing the message needs some memory.
    private static let reserve: UInt? = {
        #if canImport(Darwin)
            let flags = MAP_PRIVATE | MAP_ANON
        #else
            let flags = MAP_PRIVATE | MAP_ANONYMOUS
        #endif
        let start = mmap(nil, reserveSize, PROT_READ | PROT_WRITE, flags, -1, 0)
        return start == MAP_FAILED ? nil : start.map { UInt(bitPattern: $0) }
    }()
    private static let reserveSize = 1 << 22

    /// Installs this behaviour for all later failed allocations.
    static func endInOneLine() {
        _ = reserve
        gpt_on_out_of_memory { OutOfMemory.end($0) }
    }

    private static func end(_ bytes: Int) -> Never {
        if let reserve { munmap(UnsafeMutableRawPointer(bitPattern: reserve), reserveSize) }
        note("gpt: out of memory: \(size(bytes)) could not be allocated\(limit); use a smaller model, batch or text")
        CleanupRegistry.removeIfPossible(andExitWith: 1)
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\(bytes) bytes" : "\(grouped(bytes / 1_000_000)) MB"
    }

    /// The resource limit that the user can raise, if one is set.
    private static var limit: String {
        for limit in [ResourceLimit.addressSpace, .data] {
            if let bytes = limit.bytes { return " (ulimit \(limit.option) allows \(grouped(bytes / 1_000_000)) MB)" }
        }
        return ""
    }
}
