import Synchronization

/// A directory that is filled under its own name. Unless it is declared complete, what was created for it is removed
/// again: when this object is released, and when a signal ends the process.
///
/// `AtomicDirectory` creates a directory atomically, and is the better choice if nothing exists yet. This one also
/// works in a directory that exists already, which may be a mount point.
package final class PendingDirectory: Sendable {
    private let path: String
    /// Removed from the last to the first.
    private let entries = Mutex<[CleanupRegistry.Entry]>([])

    /// Creates the directory at `path` and its missing parents. On removal those that are not empty stay.
    package init(_ path: String) throws(FileError) {
        self.path = path
        var missing: [CleanupRegistry.Entry] = []
        var existing = path
        while !Files.exists(existing) {
            missing.append(CleanupRegistry.Entry(path: existing, isKeptUnlessEmpty: true))
            if Files.parent(of: existing) == existing { break }
            existing = Files.parent(of: existing)
        }
        add(missing.reversed())
        do { try Files.makeDirectory(path) } catch {
            remove()
            throw error
        }
    }

    /// Registers names that will be created in the directory. They must not exist yet, nor be created by another
    /// process.
    /// - Parameters:
    ///   - directories: names of directories, which are removed if they are empty; outer ones first.
    ///   - files: names of files, which are removed.
    package func expect(directories: [String] = [], files: [String]) {
        add(
            directories.map { CleanupRegistry.Entry(path: "\(path)/\($0)", isKeptUnlessEmpty: true) }
                + files.map { CleanupRegistry.Entry(path: "\(path)/\($0)") })
    }

    private func add(_ new: [CleanupRegistry.Entry]) {
        CleanupRegistry.update { unfinished in
            unfinished += new
            entries.withLock { $0 += new }
        }
    }

    /// Declares the directory complete: nothing is removed any more.
    package func complete() {
        CleanupRegistry.update { unfinished in _ = forget(&unfinished) }
    }

    private func remove() {
        CleanupRegistry.update { unfinished in
            for entry in forget(&unfinished).reversed() { entry.remove() }
        }
    }

    @discardableResult
    private func forget(_ unfinished: inout [CleanupRegistry.Entry]) -> [CleanupRegistry.Entry] {
        let known = entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
        unfinished.removeAll { known.contains($0) }
        return known
    }

    deinit { remove() }
}
