import Platform

/// Creates directories atomically: other processes, also after a crash, see nothing or the complete directory.
package enum AtomicDirectory {
    /// Creates the directory `path`. An empty directory of that name is replaced; anything else is an error.
    ///
    /// The directory is filled under a temporary name in the same parent, synchronized to the disk, and then renamed.
    /// On failure, or if `body` throws, it is removed, and so are the parents that were created for it. What a killed
    /// process leaves is removed by `AtomicFile.removeLeftovers`.
    /// - Parameters:
    ///   - path: the name of the directory. Missing parents are created.
    ///   - body: fills the temporary directory with files that it synchronizes itself (`AtomicFile`).
    package static func make(at path: String, _ body: (_ temporary: String) throws -> Void) throws {
        let target = try target(of: path), parent = Files.parent(of: target)
        try Files.withDirectory(parent) { try make(at: target, called: path, in: parent, body) }
    }

    /// Creates the directory `path` as `make` does, but keeps complete files if it is interrupted, so that a later call can continue.
    ///
    /// The directory is filled under the name `path.unfinished`. If the process is killed, or a file cannot be written, the
    /// complete files stay there, and the next call passes the same directory to `body`. Any other error removes it.
    /// - Parameters:
    ///   - path: the name of the directory. Missing parents are created.
    ///   - waits: whether to wait while another process fills it; otherwise that is an error. If the other process completes the
    ///     directory, `body` is not called.
    ///   - body: fills the directory with files that it synchronizes itself (`AtomicFile`).
    package static func makeGradually(
        at path: String, waits: Bool, _ body: (_ unfinished: String) throws -> Void
    ) throws {
        let target = try target(of: path), parent = Files.parent(of: target), unfinished = target + ".unfinished"
        try Files.withDirectory(parent) {
            let directory = try Files.openForSynchronizing(parent, path)
            defer { if let directory { close(directory) } }
            try CleanupRegistry.update { entries throws(FileError) in
                try Files.makeDirectory(unfinished)
                entries.append(CleanupRegistry.Entry(path: unfinished, isKeptUnlessEmpty: true))
            }
            defer { CleanupRegistry.update { $0.removeAll { $0.path == unfinished } } }
            let lock = try DirectoryLock(directory: unfinished, waits: waits)
            defer { withExtendedLifetime(lock) {} }
            // Another process may have completed it meanwhile.
            if Files.exists(target), try !Files.contents(ofDirectory: target).isEmpty { return }
            AtomicFile.removeLeftovers(in: unfinished)
            do {
                try body(unfinished)
                if let descriptor = try Files.openForSynchronizing(unfinished, path) {
                    defer { close(descriptor) }
                    try Files.synchronize(descriptor, path)
                }
                guard rename(unfinished, target) == 0 else { throw FileError("cannot create", path) }
            } catch {
                if error is FileError { rmdir(unfinished) } else { Files.removeAll(unfinished) }
                throw (error as? FileError)?.moved(from: unfinished, to: path) ?? error
            }
            if let directory { try Files.synchronize(directory, path) }
        }
    }

    /// The path at which the directory is created, after links are resolved: the target of a link is replaced, not the link.
    /// - Throws: if a file or a directory that is not empty has this path.
    private static func target(of path: String) throws -> String {
        if try Files.find(path, to: "create") {
            guard Files.isDirectory(path) else {
                throw FileError("cannot create", path, "a file has that name; choose another")
            }
            guard try Files.contents(ofDirectory: path).isEmpty else {
                throw FileError("cannot create", path, "it already exists and is not empty; choose another path")
            }
        }
        return try Files.resolvingLink(path, to: "create")
    }

    /// Creates `target` in the existing directory `parent`. Errors name it `path`.
    private static func make(
        at target: String, called path: String, in parent: String, _ body: (_ temporary: String) throws -> Void
    ) throws {
        // Opened first, so that a failure leaves nothing.
        let directory = try Files.openForSynchronizing(parent, path)
        defer { if let directory { close(directory) } }
        let (temporary, descriptor) = try makeTemporary(in: parent, for: path)
        defer { close(descriptor) }
        do {
            try body(temporary)
            try Files.synchronize(descriptor, path)
            try CleanupRegistry.update { unfinished throws(FileError) in
                guard rename(temporary, target) == 0 else {
                    if errno == EBUSY {
                        throw FileError(
                            "cannot create", path, "a file system is mounted there; choose a directory in it",
                            code: EBUSY
                        )
                    }
                    throw FileError("cannot create", path)
                }
                unfinished.removeAll { $0.path == temporary }
            }
        } catch {
            CleanupRegistry.update { unfinished in
                Files.removeAll(temporary)
                unfinished.removeAll { $0.path == temporary }
            }
            // With the name that the caller knows, because the temporary one is gone.
            throw (error as? FileError)?.moved(from: temporary, to: path) ?? error
        }
        if let directory { try Files.synchronize(directory, path) }
    }

    /// Creates an empty directory, and locks it, so that `removeLeftovers` can tell that it is in use.
    private static func makeTemporary(
        in parent: String, for path: String
    ) throws(FileError) -> (path: String, descriptor: Int32) {
        var number = 0
        while true {
            let temporary = "\(parent)/\(TemporaryFile.prefix)\(getpid())-\(number)"
            let code: Int32 = CleanupRegistry.update { unfinished in
                guard mkdir(temporary, 0o777) == 0 else { return errno }
                unfinished.append(CleanupRegistry.Entry(path: temporary))
                return 0
            }
            if code == 0 {
                let descriptor = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard descriptor >= 0 else {
                    let code = errno
                    CleanupRegistry.update { unfinished in
                        rmdir(temporary)
                        unfinished.removeAll { $0.path == temporary }
                    }
                    throw FileError("cannot create", path, code: code)
                }
                _ = flock(descriptor, LOCK_EX | LOCK_NB)
                return (temporary, descriptor)
            }
            guard code == EEXIST, number < 10_000 else { throw FileError("cannot create", path, code: code) }
            number += 1
        }
    }
}

extension Files {
    /// Synchronizes an open file or directory, which errors name `name`, to the disk.
    static func synchronize(_ descriptor: Int32, _ name: String) throws(FileError) {
        #if canImport(Darwin)
            // On Darwin fsync leaves the data in the cache of the disk itself.
            if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
        #endif
        while fsync(descriptor) != 0 {
            switch errno {
            case EINTR: continue
            case EINVAL, ENOTSUP: return  // not supported for this file
            default: throw FileError("cannot write", name)
            }
        }
    }

    /// Opens the directory of a file for `synchronize`; nil if it is writable but not readable.
    static func openForSynchronizing(_ directory: String, _ name: String) throws(FileError) -> Int32? {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { return descriptor }
        if errno == EACCES || errno == EPERM { return nil }
        throw FileError("cannot write", name)
    }

    /// Removes a file, or a directory with its contents, as far as possible. Links are not followed.
    package static func removeAll(_ path: String) {
        if unlink(path) == 0 { return }
        var information = stat()
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else { return }
        for name in (try? contents(ofDirectory: path)) ?? [] { removeAll(path + "/" + name) }
        rmdir(path)
    }
}
