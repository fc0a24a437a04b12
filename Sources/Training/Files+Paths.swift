import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Files {
    /// Renames a directory, whose new name must be free.
    static func rename(_ path: String, to name: String) throws {
        // The module's name is needed: this function has that of the system's.
        #if canImport(Glibc)
            let status = Glibc.rename(path, name)
        #elseif canImport(Musl)
            let status = Musl.rename(path, name)
        #else
            let status = Darwin.rename(path, name)
        #endif
        if status != 0 {
            throw TrainingError.directory("cannot rename \(path) to \(name): \(String(cString: strerror(errno)))")
        }
    }

    /// The whole path of a file that exists.
    static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
