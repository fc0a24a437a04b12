import Platform
import Synchronization

/// The files and directories that this process is writing and has not renamed yet, for removal when a signal ends it.
package enum CleanupRegistry {
    struct Entry: Equatable {
        let path: String
        /// Whether it is removed only if it is empty: a directory that was created for something else.
        var isKeptUnlessEmpty = false

        func remove() {
            if isKeptUnlessEmpty { rmdir(path) } else { Files.removeAll(path) }
        }
    }

    /// In the order of creation.
    private static let entries = Mutex<[Entry]>([])

    /// Changes the entries and the disk (in `change`) under one lock, so that for a thread that ends the process both
    /// changes have happened or neither.
    static func update<Result: Sendable, Failure: Error>(
        _ change: (inout [Entry]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try entries.withLock { (entries) throws(Failure) in try change(&entries) }
    }

    /// Removes all entries from the disk and ends the process. Calls of `update` on other threads wait meanwhile.
    ///
    /// It allocates memory, so it must not be called in a signal handler, only on a thread that waits for signals.
    package static func remove(andExitWith status: Int32) -> Never {
        update { (entries: inout [Entry]) -> Never in
            removeAll(entries)
            _exit(status)
        }
    }

    /// The same for a thread that may be within `update` itself: if the lock is taken the files stay, and the next run
    /// removes them.
    package static func removeIfPossible(andExitWith status: Int32) -> Never {
        _ = entries.withLockIfAvailable { removeAll($0) }
        _exit(status)
    }

    private static func removeAll(_ entries: [Entry]) {
        for entry in entries.reversed() { entry.remove() }
    }
}
