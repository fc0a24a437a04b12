import Platform

/// An exclusive lock of a directory: locking it in a second process is an error, or waits for the first one.
///
/// The system releases the lock when the process ends for any reason, so nothing has to be cleaned up. On file systems
/// without locks for directories there is no protection, and no error.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Locks a directory until this object is released.
    /// - Parameters:
    ///   - directory: the directory, which must exist.
    ///   - waits: whether to wait while another process has the lock.
    /// - Throws: if it cannot be opened, or if another process has the lock.
    package init(directory: String, waits: Bool = false) throws(FileError) {
        // Closed on exec, because otherwise a child process would keep the lock after us.
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("cannot lock", directory) }
        self.descriptor = descriptor
        var attempts = 0
        while flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { break }
            attempts += 1
            // Another process that calls `isHeld` locks the directory for a moment, so try again for a tenth of a second.
            if attempts <= 20 {
                usleep(5_000)
                continue
            }
            // The descriptor is closed by deinit, which also runs if an initializer throws after it has set all properties.
            throw FileError(
                "cannot work in", directory,
                "another run is using it; wait until that run has finished, or choose another directory",
                code: EWOULDBLOCK)
        }
    }

    /// Whether a process has the lock of a directory. The check itself locks the directory for a moment.
    package static func isHeld(_ directory: String) -> Bool {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    deinit {
        // Closing alone would leave the lock with a child process between its fork and exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
