import Platform

/// Replaces files atomically: a reader, also after a crash or a power failure, sees the complete old content or the
/// complete new content.
package enum AtomicFile {
    /// Replaces the file at `path` by the content that `body` writes.
    ///
    /// The content is written to a temporary file in the same directory, synchronized to the disk, and renamed to the
    /// name of the old file; then the directory is synchronized too. On failure, such as a full disk or an error of
    /// `body`, the temporary file is removed, the old file stays unchanged and the error is rethrown.
    ///
    /// - Parameters:
    ///   - path: the file's name.
    ///   - body: writes the content.
    ///   - check: checks the finished file under its temporary name; throws to keep the old file.
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

    /// Replaces the file at `path` by `text`.
    package static func write(_ text: String, to path: String) throws {
        try replace(at: path) { writer in try writer.write(text) }
    }

    /// Replaces the file at `path` by `bytes`.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        try replace(at: path) { writer in try writer.write(bytes) }
    }

    /// Whether a file of this name is a temporary one: being written, or left by a killed process.
    package static func isTemporary(_ name: String) -> Bool { name.hasPrefix(TemporaryFile.prefix) }

    /// Removes the temporary files and directories that killed processes left in a directory. Those that are being
    /// written stay.
    package static func removeLeftovers(in directory: String) {
        guard let names = try? Files.contents(ofDirectory: directory) else { return }
        for name in names where isTemporary(name) {
            let path = directory + "/" + name
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            // Its writer holds a lock, which the system releases when the process ends.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { Files.removeAll(path) }
            close(descriptor)
        }
    }
}

/// Replaces a file as `AtomicFile.replace` does, with content that is written little by little.
package final class AtomicFileWriter {
    private let temporary: TemporaryFile
    /// Writes the content.
    package let writer: FileWriter

    /// Opens a temporary file, which is removed with this object unless it is committed.
    package init(_ path: String) throws(FileError) {
        temporary = try TemporaryFile(replacing: path)
        writer = FileWriter(descriptor: temporary.descriptor, path: path)
    }

    /// Completes the file, and renames it.
    package func commit() throws(FileError) {
        try writer.flush()
        try temporary.commit()
    }
}

/// A temporary file that replaces another on `commit`, and is removed otherwise.
final class TemporaryFile {
    /// The prefix of the names of all temporary files.
    static let prefix = ".swift-gpt-temporary-"

    let descriptor: Int32
    let path: String

    /// The path of the file to replace, and the path that the caller gave for it.
    private let target: String
    private let name: String
    private var isCommitted = false
    private var isOpen = true
    /// A duplicate descriptor that holds the lock between the closing of `descriptor` and the rename; -1 before.
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
        // Shows `removeLeftovers` that this file is in use. Failure is ignored: some file systems have no locks.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
    }

    /// Synchronizes the file to the disk and renames it.
    func commit() throws(FileError) {
        try Files.synchronize(descriptor, name)
        // Everything that can fail is done before the rename, so that on failure the old file stays.
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

    /// Closes the file. Network file systems report some failed writes only now.
    private func closeDescriptor() throws(FileError) {
        lockKeeper = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        isOpen = false
        // After EINTR the descriptor is closed, and another thread may have its number already: close must not be
        // repeated.
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
