import Platform
import Synchronization

/// What this process is writing and has not given its name yet: to be taken away where the process is told to end.
package enum CleanupRegistry {
    struct Entry: Equatable {
        let path: String
        /// Whether it is removed only if there is nothing in it: a directory that was made for something else.
        var isKeptUnlessEmpty = false

        func remove() {
            if isKeptUnlessEmpty { rmdir(path) } else { Files.removeAll(path) }
        }
    }

    /// In the order in which they came to be.
    private static let entries = Mutex<[Entry]>([])

    /// Changes what is unfinished, together with what `change` does on the disk: of another thread that ends the process
    /// both are done or neither.
    static func update<Result: Sendable, Failure: Error>(
        _ change: (inout [Entry]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try entries.withLock { (entries) throws(Failure) in try change(&entries) }
    }

    /// Removes all that is unfinished and ends the process, while whoever would begin or finish something waits.
    ///
    /// It allocates memory: it is for a thread that waits for signals, not for the handler of one.
    package static func remove(andExitWith status: Int32) -> Never {
        update { (entries: inout [Entry]) -> Never in
            removeAll(entries)
            _exit(status)
        }
    }

    /// Does the same for a thread that may be in the middle of `update` itself: if one is under way the files stay, and the
    /// next run removes them.
    package static func removeIfPossible(andExitWith status: Int32) -> Never {
        _ = entries.withLockIfAvailable { removeAll($0) }
        _exit(status)
    }

    private static func removeAll(_ entries: [Entry]) {
        for entry in entries.reversed() { entry.remove() }
    }
}
