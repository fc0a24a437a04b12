import Files
import Platform
import TestSupport
import Testing

@Suite struct AtomicDirectoryTests {
    private struct Failure: Error {}
    private let directory = TemporaryDirectory()

    @Test("A directory is created with its contents, and its missing parents too")
    func makes() throws {
        let path = directory.file("a/b/new")
        try AtomicDirectory.make(at: path) { temporary in
            #expect(!Files.exists(path))
            try AtomicFile.write("text", to: temporary + "/file")
        }
        #expect(try Fixtures.bytes(path + "/file") == Array("text".utf8))
        #expect(try Files.contents(ofDirectory: directory.file("a/b")) == ["new"])
    }

    @Test("A failure leaves nothing")
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

    @Test("After a failure created directories are removed, unless they contain something")
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

    @Test("An empty directory is replaced, another is an error and keeps its contents")
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

    @Test("Leftovers of a killed process are removed, a directory in progress stays")
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

    @Test("The target of a link is replaced, and the link stays")
    func throughALink() throws {
        try Files.makeDirectory(directory.file("there"))
        symlink("there", directory.file("link"))
        symlink("nowhere", directory.file("dangling"))
        try AtomicDirectory.make(at: directory.file("link")) { try AtomicFile.write("text", to: $0 + "/file") }
        #expect(try Files.contents(ofDirectory: directory.file("there")) == ["file"])
        let error = #expect(throws: FileError.self) {
            try AtomicDirectory.make(at: directory.file("dangling")) { _ in }
        }
        #expect(error?.description.contains("a broken symbolic link") == true)
        #expect(directory.contents == ["dangling", "link", "there"])
    }

    @Test(
        "A copy has the same contents and is another file, and links are followed", arguments: [0, 1, 5_000, 3_000_000])
    func copies(_ size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try directory.write(bytes, to: "file")
        symlink("file", directory.file("link"))
        for name in ["file", "link"] {
            try Files.copy(directory.file(name), to: directory.file("other"))
            #expect(try Fixtures.bytes(directory.file("other")) == bytes)
        }
        try directory.write([9], to: "file")
        #expect(try Fixtures.bytes(directory.file("other")) == bytes)
        #expect(throws: (any Error).self) { try Files.copy(directory.file("nothing"), to: directory.file("third")) }
        #expect(directory.contents == ["file", "link", "other"])
    }

    @Test("A pending directory is removed with its registered contents only, unless it is complete")
    func pending() throws {
        func fill(completing: Bool) throws {
            let pending = try PendingDirectory(directory.file("a/b"))
            pending.expect(directories: ["inner"], files: ["inner/file", "other"])
            try Files.makeDirectory(directory.file("a/b/inner"))
            try AtomicFile.write("text", to: directory.file("a/b/inner/file"))
            if completing { pending.complete() }
        }
        try fill(completing: false)
        #expect(directory.contents.isEmpty)
        try fill(completing: true)
        #expect(try Fixtures.bytes(directory.file("a/b/inner/file")) == Array("text".utf8))

        try Files.remove(directory.file("a/b/inner/file"))
        try directory.write([1], to: "a/b/mine")
        try fill(completing: false)
        #expect(try Files.contents(ofDirectory: directory.file("a/b")) == ["mine"])
    }
}
