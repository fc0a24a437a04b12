import Files
import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@Suite struct TextReading {
    @Test(arguments: ["a", "\r\n\u{FEFF}é\u{65}\u{301}😀\0", String(repeating: "é", count: 300_000)])
    func readsExactly(_ text: String) throws {
        let directory = TemporaryDirectory()
        try AtomicFile.write(text, to: directory.file("a"))
        #expect(try TextFile.read(directory.file("a")).utf8.elementsEqual(text.utf8))
    }

    @Test(
        arguments: [
            ([0x61, 0xFF], "not valid UTF-8 at byte 1"),
            ([0xC3], "not valid UTF-8 at byte 0"),
            (Array("é€😀".utf8) + [0xED, 0xA0, 0x80], "not valid UTF-8 at byte 9"),
            ([0xFF, 0xFE, 0x61, 0x00], "not valid UTF-8 at byte 0"),
            ([], "it is empty"),
        ] as [([UInt8], String)])
    func refusesBytes(_ bytes: [UInt8], _ reason: String) throws {
        let directory = TemporaryDirectory()
        let path = directory.file("a")
        try AtomicFile.write(bytes, to: path)
        let error = #expect(throws: FileError.self) { try TextFile.read(path) }
        #expect(error?.description == "cannot read \(path): \(reason)")
    }

    @Test func refusesOtherThanFiles() throws {
        let directory = TemporaryDirectory()
        mkfifo(directory.file("pipe"), 0o600)
        for (path, words) in [
            (directory.file("none"), "no such file"), (directory.path, "it is a directory"),
            (directory.file("pipe"), "it is a pipe"), ("/dev/null", "it is a device"), ("", "no such file"),
            (directory.file("a\nb"), "no such file"),
        ] {
            for read in [
                { _ = try TextFile.read($0) }, { _ = try TextFile.bytes($0) }, { _ = try MappedFile(path: $0) },
            ] as [(String) throws -> Void] {
                let error = #expect(throws: FileError.self) { try read(path) }
                #expect(error?.description.contains(words) == true)
                #expect(error?.description.contains("\n") == false)
            }
        }
    }

    @Test(.enabled(if: getuid() != 0, "permissions do not apply to root"))
    func refusesUnreadable() throws {
        let directory = TemporaryDirectory()
        try AtomicFile.write("a", to: directory.file("a"))
        chmod(directory.file("a"), 0)
        let error = #expect(throws: FileError.self) { try TextFile.read(directory.file("a")) }
        #expect(error?.code == EACCES)
    }

    @Test func maps() throws {
        let directory = TemporaryDirectory()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try AtomicFile.write(bytes, to: directory.file("a"))
        try AtomicFile.write("", to: directory.file("empty"))
        let file = try MappedFile(path: directory.file("a"))
        try AtomicFile.write("replaced", to: directory.file("a"))
        withExtendedLifetime(file) { #expect(file.bytes.elementsEqual(bytes)) }
        #expect(try MappedFile(path: directory.file("empty")).bytes.isEmpty)
    }
}

@Suite struct Directories {
    @Test func makes() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("a/b//c/")
        try Files.makeDirectory(path)
        try Files.makeDirectory(path)
        #expect(Files.isDirectory(path))
        #expect(Files.exists(directory.file("a")))
        try AtomicFile.write("text", to: directory.file("a/file"))
        #expect(!Files.isDirectory(directory.file("a/file")))
        #expect(Files.size(directory.file("a/file")) == 4)
        #expect(try Files.contents(ofDirectory: directory.file("a")) == ["b", "file"])
        for path in ["a/file", "a/file/b"] {
            #expect(throws: FileError.self) { try Files.makeDirectory(directory.file(path)) }
        }
        try Files.remove(directory.file("a/file"))
        try Files.remove(directory.file("a/file"))
        #expect(!Files.exists(directory.file("a/file")))
        #expect(throws: FileError.self) { try Files.contents(ofDirectory: directory.file("none")) }
        #expect(throws: FileError.self) { try Files.makeDirectory(String(repeating: "a/", count: 100_000)) }
    }

    @Test(arguments: [
        ("a/b", "a"), ("a/b/", "a"), ("b", "."), ("/b", "/"), ("/", "/"), ("/a/b", "/a"), ("a//b", "a"), ("", "."),
    ])
    func parents(_ path: String, _ parent: String) { #expect(Files.parent(of: path) == parent) }

    @Test func locks() throws {
        let directory = TemporaryDirectory()
        let lock = try DirectoryLock(directory: directory.path)
        let error = #expect(throws: FileError.self) { try DirectoryLock(directory: directory.path) }
        #expect(error?.description.contains("another run is using it") == true)
        withExtendedLifetime(lock) {}
    }

    @Test("A directory can be locked while others look whether it is")
    func locksWhileObserved() throws {
        let directory = TemporaryDirectory(), path = directory.path, isOver = Atomic(false)
        let observers = (0..<3).map { _ in
            Thread { while !isOver.load(ordering: .relaxed) { _ = DirectoryLock.isHeld(path) } }
        }
        for observer in observers { observer.start() }
        defer { isOver.store(true, ordering: .relaxed) }
        for _ in 0..<200 {
            let lock = try DirectoryLock(directory: path)
            #expect(DirectoryLock.isHeld(path))
            withExtendedLifetime(lock) {}
        }
        withExtendedLifetime(directory) {}
    }

    @Test func unlocks() throws {
        let directory = TemporaryDirectory()
        for _ in 0..<2 {
            let lock = try DirectoryLock(directory: directory.path)
            // A child process that continues must not keep the lock.
            #expect(try Subprocess.run("sh", ["-c", "sleep 2 &"]) == 0)
            withExtendedLifetime(lock) {}
        }
        #expect(throws: FileError.self) { try DirectoryLock(directory: directory.file("none")) }
    }
}
