import Platform

/// Text files that gzip or zstd has compressed, by their names. These programs expand them, into the user's cache folder, because
/// a text is read several times and at any position.
package enum CompressedFile {
    /// The programs that expand files, by the ends of the names of these.
    private static let programs = [(suffix: ".gz", name: "gzip"), (suffix: ".zst", name: "zstd")]

    private static func program(for path: String) -> (suffix: String, name: String)? {
        programs.first { path.hasSuffix($0.suffix) }
    }

    /// Whether a file is compressed, by its name.
    package static func isOne(_ path: String) -> Bool { program(for: path) != nil }

    /// The name of a file without the suffix of a compressed one: that of its contents.
    package static func expandedName(_ path: String) -> String {
        String(path.dropLast(program(for: path)?.suffix.count ?? 0))
    }

    /// Returns the path of a file with the contents of a compressed file. It is kept for later runs.
    /// - Parameters:
    ///   - path: the compressed file.
    ///   - cache: the folder in which expanded files are kept; by default that of the user.
    ///   - notice: called with a message before the file is expanded.
    /// - Throws: `FileError`: the file cannot be read, its program is not installed, or the program has failed.
    package static func expand(
        _ path: String, cache: String? = Files.cacheDirectory, notice: (String) -> Void
    ) throws -> String {
        guard let (_, program) = program(for: path) else { return path }
        func failure(_ reason: String) -> FileError { FileError("cannot read", path, reason) }
        guard let cache else {
            throw failure(
                "it is compressed, and neither HOME nor XDG_CACHE_HOME says where its contents can be kept; expand it with "
                    + "\(program)")
        }
        let hash = try SHA256.hexDigest(ofFile: path).prefix(32)
        let name = expandedName(path).split(separator: "/").last ?? "text"
        let folder = cache + "/expanded"
        let expanded = "\(folder)/\(hash)-\(name)"
        if Files.exists(expanded) { return expanded }
        notice("Expanding \(path) into \(expanded), which is kept for later runs ...")
        try Files.makeDirectory(folder)
        AtomicFile.removeLeftovers(in: folder)
        try AtomicFile.replace(at: expanded) { writer in
            let status: Int32
            do {
                status = try Subprocess.run(program, ["-dc", "--", path], output: writer.descriptor)
            } catch let error as Subprocess.StartError where error.isMissing {
                throw failure("the program \(program) is not installed; install it, or expand the file elsewhere")
            }
            if status != 0 {
                throw failure("\(program) cannot expand it: the file is damaged, or the disk is full")
            }
        }
        return expanded
    }
}
