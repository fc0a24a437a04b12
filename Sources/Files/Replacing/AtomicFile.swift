import Platform

/// Files that change in one piece: whoever reads one, also after a crash or a power failure, finds the old content or
/// the new, whole.
package enum AtomicFile {
    /// Puts what `body` writes in place of the file at `path`.
    ///
    /// The content goes to a temporary file in the same directory, is brought to the disk, and takes the name of the
    /// old one; then the directory is brought to the disk too. Where anything fails, a full disk or an error `body`
    /// throws, the temporary is removed, the old file stays as it was and the error is thrown on.
    ///
    /// - Parameters:
    ///   - path: the file's name.
    ///   - body: writes the content.
    ///   - check: looks at what is to become the file, under its temporary name, and throws where it must not.
    package static func replace(
        at path: String, _ body: (FileWriter) throws -> Void, check: (_ temporary: String) throws -> Void = { _ in }
    ) throws {
        let temporary = try TemporaryFile(replacing: path)
        let writer = FileWriter(descriptor: temporary.descriptor, path: path)
        try body(writer)
        try writer.flush()
        try check(temporary.path)
        try temporary.commit()
    }

    /// Puts `text` in place of the file at `path`.
    package static func write(_ text: String, to path: String) throws {
        try replace(at: path) { writer in try writer.write(text) }
    }

    /// Puts `bytes` in place of the file at `path`.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        try replace(at: path) { writer in try writer.write(bytes) }
    }

    /// Whether a file of this name is a temporary one: being written, or left by a killed process.
    package static func isTemporary(_ name: String) -> Bool { name.hasPrefix(TemporaryFile.prefix) }

    /// Removes the temporary files and directories that killed processes left in a directory, and none that is being
    /// written.
    package static func removeLeftovers(in directory: String) {
        guard let names = try? Files.contents(ofDirectory: directory) else { return }
        for name in names where isTemporary(name) {
            let path = directory + "/" + name
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            // Its writer holds a lock, which the system takes from the dead.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { Files.removeAll(path) }
            close(descriptor)
        }
    }
}

/// A file that is to take the place of another, and goes away unless it does.
final class TemporaryFile {
    /// How the names of all temporary files begin.
    static let prefix = ".swift-gpt-temporary-"

    let descriptor: Int32
    let path: String

    /// The file to be replaced, and the name people know it by.
    private let target: String
    private let name: String
    private var isCommitted = false
    private var isOpen = true
    /// SavedTensors the lock between the closing of `descriptor` and the rename; -1 before.
    private var lockKeeper: Int32 = -1

    /// Opens a new file in the directory of `name`.
    init(replacing name: String) throws(FileError) {
        self.name = name
        target = try Files.resolvingLink(name, to: "write")
        if let information = Files.information(target), information.st_mode & S_IFMT != S_IFREG {
            let kind =
                switch information.st_mode & S_IFMT {
                case S_IFDIR: "directory"
                case S_IFIFO: "pipe"
                default: "device"
                }
            throw FileError("cannot write", name, "it is a \(kind), not a file")
        }
        let directory = Files.parent(of: target)
        let process = getpid()
        var number = 0
        while true {
            let path = "\(directory)/\(Self.prefix)\(process)-\(number)"
            let (descriptor, code) = CleanupRegistry.update { unfinished in
                let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
                if descriptor >= 0 { unfinished.append(CleanupRegistry.Entry(path: path)) }
                return (descriptor, errno)
            }
            if descriptor >= 0 {
                self.path = path
                self.descriptor = descriptor
                break
            }
            if code == ENOENT { throw FileError("cannot write", name, "there is no directory \(directory)") }
            guard code == EEXIST, number < 10_000 else { throw FileError("cannot write", name, code: code) }
            number += 1
        }
        // Tells `removeLeftovers` that this one is alive. A file system without locks does without.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
    }

    /// Brings the file to the disk and gives it its name.
    func commit() throws(FileError) {
        try Files.synchronize(descriptor, name)
        // All that can fail before the rename is done before it: then the old file stays.
        let directory = try Files.openForSynchronizing(Files.parent(of: target), name)
        defer { if let directory { close(directory) } }
        try closeDescriptor()
        try CleanupRegistry.update { unfinished throws(FileError) in
            guard rename(path, target) == 0 else { throw FileError("cannot write", name) }
            unfinished.removeAll { $0.path == path }
        }
        isCommitted = true
        if let directory { try Files.synchronize(directory, name) }
    }

    /// Closes the file. Network file systems report some failed writes only then.
    private func closeDescriptor() throws(FileError) {
        lockKeeper = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        isOpen = false
        // After EINTR the descriptor is gone, or its number may already be another thread's: there is no second try.
        if close(descriptor) != 0, errno != EINTR { throw FileError("cannot write", name) }
    }

    deinit {
        if isOpen { close(descriptor) }
        defer { if lockKeeper >= 0 { close(lockKeeper) } }
        guard !isCommitted else { return }
        CleanupRegistry.update { unfinished in
            unlink(path)
            unfinished.removeAll { $0.path == path }
        }
    }
}
