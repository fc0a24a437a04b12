import Platform

extension Files {
    /// Renames a directory. The new name must not exist.
    package static func rename(_ path: String, to name: String) throws {
        // Qualified, because this method has the name of the system's function.
        #if canImport(Glibc)
            let status = Glibc.rename(path, name)
        #elseif canImport(Musl)
            let status = Musl.rename(path, name)
        #else
            let status = Darwin.rename(path, name)
        #endif
        if status != 0 {
            throw FileError("cannot rename", path, "to \(name)")
        }
    }

    /// The kind of file at a path, in words: "a directory", "a file", "a named pipe"; nil if there is none, or it is
    /// not accessible.
    package static func kind(_ path: String) -> String? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return switch information.st_mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFREG: "a file"
        case S_IFIFO: "a named pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "no file"
        }
    }

    /// The absolute path of a file that exists.
    package static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
