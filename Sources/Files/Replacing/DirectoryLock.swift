import Platform

/// SavedTensors a directory to one process: the second that asks is refused.
///
/// The system lets go of the lock when the process ends, however it ends, so that nothing is left to clear away.
/// On file systems that cannot lock a directory there is no protection, and no error.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Locks `directory`, which must exist, until this object goes away.
    package init(directory: String) throws(FileError) {
        // Closed on exec, or a child process would hold the lock on after us.
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("cannot lock", directory) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { break }
            close(descriptor)
            throw FileError(
                "cannot work in", directory,
                "another run is using it; wait until that run has finished, or choose another directory",
                code: EWOULDBLOCK)
        }
    }

    deinit {
        // Closing alone would leave the lock to a child process that was forked, and is about to exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
