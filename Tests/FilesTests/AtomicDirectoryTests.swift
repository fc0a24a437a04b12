import Files
import TestSupport
import Testing

@Suite struct AtomicDirectoryTests {
    private struct Failure: Error {}
    private let directory = TemporaryDirectory()

    @Test("A directory appears with what was put into it, in directories that are made for it")
    func makes() throws {
        let path = directory.file("a/b/new")
        try AtomicDirectory.make(at: path) { temporary in
            #expect(!Files.exists(path))
            try AtomicFile.write("text", to: temporary + "/file")
        }
        #expect(try Fixtures.bytes(path + "/file") == Array("text".utf8))
        #expect(try Files.contents(ofDirectory: directory.file("a/b")) == ["new"])
    }

    @Test("Where it fails nothing is left")
    func fails() {
        #expect(throws: Failure.self) {
            try AtomicDirectory.make(at: directory.file("new")) { temporary in
                try Files.makeDirectory(temporary + "/inner")
                try AtomicFile.write("text", to: temporary + "/inner/file")
                throw Failure()
            }
        }
        #expect(directory.contents.isEmpty)
    }

    @Test("Directories that were made for what failed go, unless there is something in them")
    func directoriesForNothing() throws {
        #expect(throws: Failure.self) {
            try AtomicDirectory.make(at: directory.file("a/b/new")) { _ in throw Failure() }
        }
        #expect(directory.contents.isEmpty)
        #expect(throws: Failure.self) {
            try Files.withDirectory(directory.file("a/b")) {
                try directory.write([1], to: "a/file")
                throw Failure()
            }
        }
        #expect(try Files.contents(ofDirectory: directory.file("a")) == ["file"])
        #expect(throws: Failure.self) { try Files.withDirectory(directory.path) { throw Failure() } }
        #expect(Files.isDirectory(directory.path), "it was there before")
        try Files.withDirectory(directory.file("a/b")) {}
        #expect(Files.isDirectory(directory.file("a/b")))
    }

    @Test("An empty directory gets it, another keeps what it has")
    func occupied() throws {
        try Files.makeDirectory(directory.file("empty"))
        try AtomicDirectory.make(at: directory.file("empty")) { try AtomicFile.write("text", to: $0 + "/file") }
        #expect(try Files.contents(ofDirectory: directory.file("empty")) == ["file"])
        try directory.write([1], to: "file")
        for name in ["empty", "file"] {
            #expect(throws: FileError.self) { try AtomicDirectory.make(at: directory.file(name)) { _ in } }
        }
        #expect(directory.contents == ["empty", "file"])
    }

    @Test("What a killed process left goes, what is being made stays")
    func leftovers() throws {
        let left = directory.file(".swift-gpt-temporary-1-0")
        try Files.makeDirectory(left + "/inner")
        try AtomicFile.write("text", to: left + "/inner/file")
        try AtomicDirectory.make(at: directory.file("new")) { temporary in
            AtomicFile.removeLeftovers(in: directory.path)
            #expect(Files.isDirectory(temporary))
        }
        #expect(directory.contents == ["new"])
    }

    @Test("A file gets a second name, and a link is followed")
    func links() throws {
        try directory.write([1, 2], to: "file")
        try Files.linkOrCopy(directory.file("file"), to: directory.file("other"))
        #expect(try Fixtures.bytes(directory.file("other")) == [1, 2])
        #expect(throws: (any Error).self) {
            try Files.linkOrCopy(directory.file("nothing"), to: directory.file("third"))
        }
    }
}
