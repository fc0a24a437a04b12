import Files
import TestSupport
import Testing

@Suite("Patterns of file names")
struct FilePatternTests {
    private let directory = TemporaryDirectory()

    @Test("A pattern is replaced by the files that match it, in the order of their names")
    func matching() throws {
        for name in ["b.txt", "a.txt", "c.md", "[x].txt"] { try AtomicFile.write(name, to: directory.file(name)) }
        func names(_ patterns: String...) throws -> [String] {
            try Files.matching(patterns.map { directory.file($0) }).map {
                String($0.dropFirst(directory.path.count + 1))
            }
        }
        #expect(try names("*.txt") == ["[x].txt", "a.txt", "b.txt"])
        #expect(try names("[ab].txt", "c.md") == ["a.txt", "b.txt", "c.md"])
        #expect(try names("?.md", "none.txt") == ["c.md", "none.txt"])
        // A file of this name is meant.
        #expect(try names("[x].txt") == ["[x].txt"])
        #expect(try Files.matching(["-"]) == ["-"])
        let error = #expect(throws: FileError.self) { try names("*.csv") }
        #expect(error?.description.hasSuffix("*.csv: no file matches this pattern") == true)
    }
}

@Suite("Compressed files")
struct CompressedFileTests {
    private let directory = TemporaryDirectory()

    /// Expands a file, and counts the messages.
    private func expand(_ name: String) throws -> (path: String, notices: Int) {
        var notices = 0
        let path = try CompressedFile.expand(directory.file(name), cache: directory.file("cache")) { _ in notices += 1 }
        return (path, notices)
    }

    /// The programs that are installed, with the ends of the names of their files.
    static let programs = [("gzip", ".gz"), ("zstd", ".zst")].filter {
        (try? Subprocess.run($0.0, ["--version"])) == 0
    }

    /// Compresses a text into a file, and returns its name.
    private func compress(_ text: String, name: String, by program: (name: String, suffix: String)) throws -> String {
        try AtomicFile.write(text, to: directory.file(name))
        #expect(try Subprocess.run(program.name, ["-f", directory.file(name)]) == 0)
        Files.removeAll(directory.file(name))
        return name + program.suffix
    }

    @Test("A file is expanded once, and again if it changes", arguments: programs)
    func expandsOnce(_ program: (name: String, suffix: String)) throws {
        let file = try compress("one", name: "a.txt", by: program)
        let (path, notices) = try expand(file)
        #expect(try TextFile.read(path) == "one" && notices == 1 && path.hasSuffix("-a.txt"))
        #expect(try expand(file) == (path, 0))
        // A link is read as the file that it names.
        let link = "link.txt" + program.suffix
        #expect(try Subprocess.run("ln", ["-s", directory.file(file), directory.file(link)]) == 0)
        #expect(try TextFile.read(try expand(link).path) == "one")
        _ = try compress("two", name: "a.txt", by: program)
        let (other, _) = try expand(file)
        #expect(try TextFile.read(other) == "two" && other != path)
    }

    @Test("Processes that need the same file at the same time all get it")
    func atOnce() async throws {
        let program = try #require(Self.programs.first)
        let text = String(repeating: "the same text ", count: 100_000)
        let file = directory.file(try compress(text, name: "a.txt", by: program)), cache = directory.file("cache")
        let paths = try await withThrowingTaskGroup { group in
            for _ in 0..<6 { group.addTask { try CompressedFile.expand(file, cache: cache) { _ in } } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(try paths.count == 1 && TextFile.read(paths.first ?? "") == text)
    }

    @Test("Another file is used as it is")
    func plain() throws {
        #expect(try expand("b.txt") == (directory.file("b.txt"), 0))
        #expect(CompressedFile.expandedName("data/b.bin.gz") == "data/b.bin")
    }

    @Test("A damaged file is an error of one line, and leaves nothing", arguments: programs)
    func damaged(_ program: (name: String, suffix: String)) throws {
        var generator = SeededGenerator(seed: 1)
        let text = String(
            (0..<5000).map { _ in Character(Unicode.Scalar(UInt8.random(in: 97...122, using: &generator))) })
        let file = try compress(text, name: "a.txt", by: program)
        let bytes = try TextFile.bytes(directory.file(file))
        try AtomicFile.write(Array(bytes.dropLast(100)), to: directory.file(file))
        let error = #expect(throws: FileError.self) { try expand(file) }
        #expect(error?.description.contains("\(program.name) failed with exit status 1") == true)
        #expect(try Files.contents(ofDirectory: directory.file("cache/expanded")).isEmpty)
        #expect(throws: FileError.self) { try expand("missing" + program.suffix) }
        #expect(throws: FileError.self) { try CompressedFile.expand(directory.file(file), cache: nil) { _ in } }
    }
}
