import Platform

/// Operations on paths and directories.
package enum Files {
    /// Whether there is anything at `path`. Links are followed.
    package static func exists(_ path: String) -> Bool { information(path) != nil }

    /// Whether there is anything at `path`; throws if that cannot be determined.
    /// - Parameters:
    ///   - path: the path. Links are followed.
    ///   - purpose: the verb of error messages, "cannot read".
    /// - Throws: the reason: a directory without permission to search it, or one that is a file; a name that is too
    ///   long; a broken link, or links in a circle.
    package static func find(_ path: String, to purpose: String = "read") throws(FileError) -> Bool {
        var information = stat()
        if stat(path, &information) == 0 { return true }
        guard errno == ENOENT else { throw FileError("cannot \(purpose)", path) }
        guard lstat(path, &information) != 0 else {
            throw FileError("cannot \(purpose)", path, "it is a broken symbolic link")
        }
        return false
    }

    package static func isDirectory(_ path: String) -> Bool {
        information(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// The length of the file at `path` in bytes; `nil` if there is none.
    package static func size(_ path: String) -> Int? { information(path).map { Int($0.st_size) } }

    /// The names in a directory, sorted by their bytes, without `.` and `..`.
    package static func contents(ofDirectory path: String) throws(FileError) -> [String] {
        guard let stream = opendir(path) else { throw FileError("cannot read the directory", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // Swift imports the name as a tuple, of a size that differs between systems.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Creates a directory and its missing parents.
    package static func makeDirectory(_ path: String) throws(FileError) {
        if isDirectory(path) { return }
        if path.utf8.count >= Int(PATH_MAX) { throw FileError("cannot create the directory", path, code: ENAMETOOLONG) }
        let above = parent(of: path)
        if above != path, !exists(above) { try makeDirectory(above) }
        if mkdir(path, 0o777) == 0 { return }
        let code = errno
        guard code == EEXIST else { throw FileError("cannot create the directory", path, code: code) }
        if isDirectory(path) { return }
        // Throws the error of a broken link.
        _ = try find(path, to: "create the directory")
        throw FileError("cannot create the directory", path, "a file has that name")
    }

    /// Creates the directory at `path` and its missing parents, and calls `body`, which writes in it. On failure, or if
    /// `body` throws, the created directories are removed again, unless they contain something.
    package static func withDirectory<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let directory = try PendingDirectory(path)
        let result = try body()
        directory.complete()
        return result
    }

    /// The target of `path` if it is a link, otherwise `path` itself: replacing a file through a link replaces the
    /// target, and the link stays.
    /// - Throws: if the link is broken or in a circle.
    static func resolvingLink(_ path: String, to purpose: String) throws(FileError) -> String {
        var information = stat()
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFLNK else { return path }
        guard let resolved = realpath(path, nil) else {
            guard errno == ENOENT else { throw FileError("cannot \(purpose)", path) }
            throw FileError(
                "cannot \(purpose)", path, "it is a broken symbolic link; remove it or choose another name")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Removes a file. It is not an error if there is none.
    package static func remove(_ path: String) throws(FileError) {
        if unlink(path) != 0, errno != ENOENT { throw FileError("cannot remove", path) }
    }

    /// The parent directory of a path: `a` for `a/b` and `a/b/`, `.` for `b`, `/` for `/b`.
    package static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)[...]
        let slash = UInt8(ascii: "/")
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        while let last = bytes.last, last != slash { bytes.removeLast() }
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        return bytes.isEmpty ? "." : String(decoding: bytes, as: UTF8.self)
    }

    /// The last component of a path: `b` for `a/b`.
    package static func name(of path: String) -> String {
        String(decoding: path.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
    }

    /// Whether a path is inside a directory, or the directory itself, after links are resolved. For a path that does
    /// not exist yet, its nearest existing parent decides.
    package static func isPath(_ path: String, inside directory: String) -> Bool {
        var existing = path
        while !exists(existing), parent(of: existing) != existing { existing = parent(of: existing) }
        let resolved = realpath(existing, nil), directory = realpath(directory, nil)
        defer {
            free(resolved)
            free(directory)
        }
        guard let resolved, let directory else { return false }
        let (inner, outer) = (String(cString: resolved), String(cString: directory))
        return inner == outer || inner.hasPrefix(outer.hasSuffix("/") ? outer : outer + "/")
    }

    /// The directory of this user's cached files: `swift-gpt` in `$XDG_CACHE_HOME`, else in `~/.cache`
    /// (`~/Library/Caches` on macOS); `nil` if neither is set in the environment. It may not exist yet.
    package static var cacheDirectory: String? {
        if let base = environmentValue("XDG_CACHE_HOME"), base.hasPrefix("/") { return base + "/swift-gpt" }
        guard let home = environmentValue("HOME"), home.hasPrefix("/") else { return nil }
        #if canImport(Darwin)
            return home + "/Library/Caches/swift-gpt"
        #else
            return home + "/.cache/swift-gpt"
        #endif
    }

    /// The folder with published files that the environment variable `GPT_DATA` names; `nil` if it is not set or empty.
    package static var dataDirectory: String? {
        environmentValue("GPT_DATA").flatMap { $0.isEmpty ? nil : $0 }
    }

    static func environmentValue(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    static func information(_ path: String) -> stat? {
        var information = stat()
        return stat(path, &information) == 0 ? information : nil
    }

    /// Opens a regular file for reading. Others are refused: opening a pipe would wait for its writer, and a device may
    /// have no end.
    static func openForReading(_ path: String) throws(FileError) -> (descriptor: Int32, size: Int) {
        let attempt = "cannot read"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            // Opening a socket fails with an error number whose text is unclear.
            if errno == ENXIO { throw FileError(attempt, path, "it is a device or a socket, not a file") }
            throw FileError(attempt, path)
        }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError(attempt, path, code: code)
        }
        let problem: String? =
            switch information.st_mode & S_IFMT {
            case S_IFREG: nil
            case S_IFDIR: "it is a directory, not a file"
            case S_IFIFO: "it is a pipe, not a file; give - to read standard input"
            default: "it is a device, not a file; give - to read standard input"
            }
        if let problem {
            close(descriptor)
            throw FileError(attempt, path, problem)
        }
        return (descriptor, Int(information.st_size))
    }
}
