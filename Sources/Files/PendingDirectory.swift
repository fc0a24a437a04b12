import Synchronization

/// A directory that is filled under its own name. Unless it is declared complete, what was made for it is removed again: when
/// this object goes away, and where the process is told to end.
///
/// `AtomicDirectory` makes a directory in one piece, and is the better choice where nothing is there yet. This one also works
/// in a directory that exists already, which may be a mount point.
package final class PendingDirectory: Sendable {
    private let entries: [Unfinished.Entry]
    private let isComplete = Mutex(false)

    /// Makes the directory at `path` and those above it, where they do not exist yet.
    /// - Parameters:
    ///   - path: the directory.
    ///   - directories: names of directories in it, to be removed where they are empty; outer ones first.
    ///   - files: names of files in it, to be removed. None of them may exist yet.
    package init(_ path: String, directories: [String] = [], files: [String] = []) throws(FileError) {
        var missing: [Unfinished.Entry] = []
        var existing = path
        while !Files.exists(existing) {
            missing.append(Unfinished.Entry(path: existing, isKeptUnlessEmpty: true))
            if Files.parent(of: existing) == existing { break }
            existing = Files.parent(of: existing)
        }
        // Removed from the last to the first.
        let entries =
            missing.reversed()
            + directories.map { Unfinished.Entry(path: "\(path)/\($0)", isKeptUnlessEmpty: true) }
            + files.map { Unfinished.Entry(path: "\(path)/\($0)") }
        self.entries = entries
        Unfinished.update { $0 += entries }
        do { try Files.makeDirectory(path) } catch {
            remove()
            isComplete.withLock { $0 = true }
            throw error
        }
    }

    /// From now on everything stays.
    package func complete() {
        Unfinished.update { unfinished in
            isComplete.withLock { $0 = true }
            forget(&unfinished)
        }
    }

    private func remove() {
        Unfinished.update { unfinished in
            for entry in entries.reversed() { entry.remove() }
            forget(&unfinished)
        }
    }

    private func forget(_ unfinished: inout [Unfinished.Entry]) { unfinished.removeAll { entries.contains($0) } }

    deinit {
        if !isComplete.withLock({ $0 }) { remove() }
    }
}
