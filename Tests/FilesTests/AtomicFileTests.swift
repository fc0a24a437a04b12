import Files
import Platform
import TestSupport
import Testing

@Suite struct AtomicReplacement {
    private struct Interrupted: Error {}

    @Test func replaces() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("a")
        for text in ["first", "", "second, and longer"] {
            try AtomicFile.write(text, to: path)
            #expect(try TextFile.bytes(path) == Array(text.utf8))
        }
        #expect(directory.contents == ["a"])
    }

    /// Writes below, at and above the size of the buffer are in order, and patches are at their offsets.
    @Test func largeAndSmallWrites() throws {
        let directory = TemporaryDirectory()
        var expected: [UInt8] = []
        try AtomicFile.replace(at: directory.file("a")) { writer in
            for (number, size) in [1, 262_143, 1, 262_144, 7, 600_000, 0, 100_000, 200_000].enumerated() {
                let chunk = [UInt8](repeating: UInt8(number), count: size)
                expected += chunk
                try writer.write(chunk)
                #expect(writer.position == expected.count)
            }
            try writer.patch([100, 101], at: 262_143)
            try writer.write("end")
        }
        expected.replaceSubrange(262_143..<262_145, with: [100, 101])
        #expect(try TextFile.bytes(directory.file("a")) == expected + Array("end".utf8))
    }

    @Test func errorsKeepTheOldFile() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("a")
        try AtomicFile.write("old", to: path)
        #expect(throws: Interrupted.self) {
            try AtomicFile.replace(at: path) { writer in
                try writer.write("new")
                throw Interrupted()
            }
        }
        #expect(try TextFile.read(path) == "old")
        #expect(directory.contents == ["a"])
    }

    #if os(Linux)
        /// A full disk: the descriptor of the temporary file is redirected to /dev/full.
        @Test(arguments: [10, 1_000_000]) func fullDisk(_ size: Int) throws {
            let directory = TemporaryDirectory()
            let path = directory.file("a")
            try AtomicFile.write("old", to: path)
            let error = #expect(throws: FileError.self) {
                try AtomicFile.replace(at: path) { writer in
                    let full = open("/dev/full", O_WRONLY)
                    defer { close(full) }
                    dup2(full, writer.descriptor)
                    try writer.write([UInt8](repeating: 0, count: size))
                }
            }
            #expect(error?.code == ENOSPC)
            #expect(
                error?.description == "cannot write \(path): no space left on device; free some space and try again")
            #expect(try TextFile.read(path) == "old")
            #expect(directory.contents == ["a"])
        }

        /// A test that also works as root, to whom permissions do not apply: nobody may write in /proc.
        @Test func readOnlyFileSystem() {
            #expect(throws: FileError.self) { try AtomicFile.write("new", to: "/proc/a") }
        }
    #endif

    @Test(.enabled(if: getuid() != 0, "permissions do not apply to root"))
    func readOnlyDirectory() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("a")
        try AtomicFile.write("old", to: path)
        chmod(directory.path, 0o500)
        let error = #expect(throws: FileError.self) { try AtomicFile.write("new", to: path) }
        #expect(error?.code == EACCES)
        #expect(try TextFile.read(path) == "old")
    }

    @Test func refusesOtherThanFiles() throws {
        let directory = TemporaryDirectory()
        mkfifo(directory.file("pipe"), 0o600)
        try Files.makeDirectory(directory.file("directory"))
        for path in [directory.file("pipe"), directory.file("directory"), "/dev/null", directory.file("none/a")] {
            let error = #expect(throws: FileError.self) { try AtomicFile.write("new", to: path) }
            #expect(error?.description.hasPrefix("cannot write \(path): ") == true)
        }
        #expect(directory.contents == ["directory", "pipe"])
        #expect(throws: FileError.self) { try AtomicFile.write("new", to: "") }
    }

    @Test func followsLinks() throws {
        let directory = TemporaryDirectory()
        try Files.makeDirectory(directory.file("there"))
        try AtomicFile.write("old", to: directory.file("there/a"))
        symlink(directory.file("there/a"), directory.file("link"))
        try AtomicFile.write("new", to: directory.file("link"))
        #expect(try TextFile.read(directory.file("there/a")) == "new")
        #expect(directory.contents == ["link", "there"])
    }

    @Test("A broken or circular link is not replaced", arguments: ["nowhere", "link"])
    func danglingLink(_ target: String) throws {
        let directory = TemporaryDirectory()
        symlink(target, directory.file("link"))
        let error = #expect(throws: FileError.self) { try AtomicFile.write("new", to: directory.file("link")) }
        #expect(error?.description.hasPrefix("cannot write \(directory.file("link")): ") == true)
        #expect(directory.contents == ["link"])
        var information = stat()
        #expect(lstat(directory.file("link"), &information) == 0 && information.st_mode & S_IFMT == S_IFLNK)
    }

    @Test func clearsLeftovers() throws {
        let directory = TemporaryDirectory()
        try AtomicFile.replace(at: directory.file("a")) { writer in
            try AtomicFile.write("half", to: directory.file(".swift-gpt-temporary-1-0"))
            #expect(directory.contents.count == 2)
            AtomicFile.removeLeftovers(in: directory.path)
            #expect(directory.contents.count == 1)  // the one being written stays
            try writer.write("whole")
        }
        #expect(directory.contents == ["a"])
        #expect(try TextFile.read(directory.file("a")) == "whole")
    }
}
