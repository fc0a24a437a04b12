import Platform

/// Text files that are compressed by gzip or zstd. Their names end in `.gz` or `.zst`.
///
/// These programs expand a file into the user's cache folder, because a text is read several times and at any position.
package enum CompressedFile {
    /// A program that expands files.
    private struct Program {
        /// The end of the names of its files.
        let suffix: String
        let name: String
        let arguments: [String]
        /// Its exit statuses on success.
        let successes: [Int32]
    }

    private static let programs = [
        // 2 is a warning, for example about zeros after the end.
        Program(suffix: ".gz", name: "gzip", arguments: ["-dc"], successes: [0, 2]),
        // By default zstd refuses files that need more than 128 MB of memory. Published texts are such files.
        Program(suffix: ".zst", name: "zstd", arguments: ["-dcq", "--long=31"], successes: [0]),
    ]

    private static func program(for path: String) -> Program? { programs.first { path.hasSuffix($0.suffix) } }

    /// The name without `.gz` or `.zst`. Its own ending gives the format of the contents.
    package static func expandedName(_ path: String) -> String {
        String(path.dropLast(program(for: path)?.suffix.count ?? 0))
    }

    /// Expands a compressed file, unless that was done before, and returns the path of the expanded file.
    /// - Parameters:
    ///   - path: the file. If it is not compressed, its path is returned.
    ///   - cache: the folder in which expanded files are kept; by default that of the user.
    ///   - notice: called with a message before the file is expanded.
    /// - Throws: `FileError`: the file cannot be read, its program is not installed, or the program has failed.
    package static func expand(
        _ path: String, cache: String? = Files.cacheDirectory, notice: (String) -> Void
    ) throws -> String {
        guard let program = program(for: path) else { return path }
        guard let cache else {
            throw FileError(
                "cannot read", path,
                "it is compressed, and neither HOME nor XDG_CACHE_HOME is set, so there is no folder for its contents; expand it "
                    + "with \(program.name)")
        }
        let hash = try FileRecord.sha256(of: path, cache: cache).prefix(32)
        let name = expandedName(path).split(separator: "/").last ?? "text"
        let folder = cache + "/expanded"
        let expanded = "\(folder)/\(hash)-\(name)"
        if Files.exists(expanded) { return expanded }
        try Files.makeDirectory(folder)
        // If several processes need the same file, one expands it and the others wait.
        let lock = try DirectoryLock(directory: folder, waits: true)
        defer { withExtendedLifetime(lock) {} }
        if Files.exists(expanded) { return expanded }
        notice("Expanding \(path) into \(expanded), which is kept for later runs ...")
        AtomicFile.removeLeftovers(in: folder)
        try AtomicFile.replace(at: expanded) { writer in try run(program, on: path, output: writer.descriptor) }
        return expanded
    }

    private static func run(_ program: Program, on path: String, output: Int32) throws {
        func failure(_ reason: String) -> FileError { FileError("cannot read", path, reason) }
        let missing = failure(
            "the program \(program.name) is not installed; install it, or expand the file on another machine")
        // The file is given as standard input, because zstd refuses symbolic links as arguments.
        let input = try Files.openForReading(path).descriptor
        defer { close(input) }
        let status: Int32
        do {
            status = try Subprocess.run(program.name, program.arguments, input: input, output: output)
        } catch {
            throw error.isMissing ? missing : failure(error.description)
        }
        switch status {
        case _ where program.successes.contains(status): return
        case 127: throw missing  // on some systems a missing program is detected only in the child process
        case 129...: throw failure("\(program.name) was stopped by signal \(status - 128)")
        default:
            throw failure(
                "\(program.name) failed with exit status \(status); the file may be damaged, or the disk full")
        }
    }
}
