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

@Suite("Compressed files", .enabled(if: (try? Subprocess.run("gzip", ["--version"])) == 0, "gzip is not installed"))
struct CompressedFileTests {
    private let directory = TemporaryDirectory()

    /// Expands a file, and counts the messages.
    private func expand(_ name: String) throws -> (path: String, notices: Int) {
        var notices = 0
        let path = try CompressedFile.expand(directory.file(name), cache: directory.file("cache")) { _ in notices += 1 }
        return (path, notices)
    }

    private func compress(_ text: String, name: String) throws {
        try AtomicFile.write(text, to: directory.file(name))
        #expect(try Subprocess.run("gzip", ["-f", directory.file(name)]) == 0)
    }

    @Test("A file is expanded once, and again if it changes")
    func expandsOnce() throws {
        try compress("one", name: "a.txt")
        let (path, notices) = try expand("a.txt.gz")
        #expect(try TextFile.read(path) == "one" && notices == 1 && path.hasSuffix("-a.txt"))
        #expect(try expand("a.txt.gz") == (path, 0))
        try compress("two", name: "a.txt")
        let (other, _) = try expand("a.txt.gz")
        #expect(try TextFile.read(other) == "two" && other != path)
    }

    @Test("Another file is used as it is")
    func plain() throws {
        #expect(try expand("b.txt") == (directory.file("b.txt"), 0))
        #expect(!CompressedFile.isOne("b.txt") && CompressedFile.isOne("b.txt.zst"))
        #expect(CompressedFile.expandedName("data/b.bin.gz") == "data/b.bin")
    }

    @Test("A damaged file is an error of one line, and leaves nothing")
    func damaged() throws {
        try compress(String(repeating: "text ", count: 1000), name: "a.txt")
        let bytes = try TextFile.bytes(directory.file("a.txt.gz"))
        try AtomicFile.write(Array(bytes.dropLast(10)), to: directory.file("a.txt.gz"))
        let error = #expect(throws: FileError.self) { try expand("a.txt.gz") }
        #expect(error?.description.contains("gzip cannot expand it") == true)
        #expect(try Files.contents(ofDirectory: directory.file("cache/expanded")).isEmpty)
        #expect(throws: FileError.self) { try expand("missing.gz") }
        #expect(throws: FileError.self) {
            try CompressedFile.expand(directory.file("a.txt.gz"), cache: nil) { _ in }
        }
    }
}
