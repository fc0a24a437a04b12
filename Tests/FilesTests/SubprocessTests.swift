import Files
import TestSupport
import Testing

@Suite struct Subprocesses {
    @Test(arguments: [("exit 0", 0), ("exit 3", 3), ("kill -15 $$", 143), ("cat; echo to nobody", 0)])
    func statuses(_ script: String, _ status: Int32) throws {
        #expect(try Subprocess.run("sh", ["-c", script]) == status)
    }

    @Test func passesArgumentsAsTheyAre() throws {
        let directory = TemporaryDirectory()
        let arguments = ["-c", "printf '%s|' \"$@\" > \"$0\"", directory.file("a"), "one two", "", "*", "é"]
        #expect(try Subprocess.run("sh", arguments) == 0)
        #expect(try TextFile.read(directory.file("a")) == "one two||*|é|")
    }

    @Test func missingProgram() {
        let error = #expect(throws: Subprocess.StartError.self) { try Subprocess.run("no-such-program-here", []) }
        #expect(error?.isMissing == true)
    }
}

/// With file URLs, which curl reads without a network.
@Suite(.enabled(if: (try? Subprocess.run("curl", ["--version"])) == 0, "curl is not installed"))
struct Downloads {
    private let directory = TemporaryDirectory()

    private func fetch(_ name: String, sha256: String) throws {
        try AtomicFile.write("abc", to: directory.file("source"))
        try Download.fetch(url: "file://" + directory.file(name), to: directory.file("target"), sha256: sha256)
    }

    @Test func fetches() throws {
        try fetch("source", sha256: SHA256.hexDigest(of: "abc".utf8))
        #expect(try TextFile.read(directory.file("target")) == "abc")
        #expect(directory.contents == ["source", "target"])
    }

    @Test func refusesAnotherFile() throws {
        try AtomicFile.write("old", to: directory.file("target"))
        let error = #expect(throws: Download.Failure.self) {
            try fetch("source", sha256: SHA256.hexDigest(of: "abd".utf8))
        }
        #expect(error?.description.contains("not the expected one") == true)
        #expect(try TextFile.read(directory.file("target")) == "old")
        #expect(directory.contents == ["source", "target"])
    }

    @Test func reportsWhatFailed() {
        let error = #expect(throws: Download.Failure.self) { try fetch("none", sha256: "") }
        #expect(error?.description.hasPrefix("cannot download file://") == true)
        #expect(error?.description.contains("\n") == false)
        #expect(directory.contents == ["source"])
    }

    /// Nothing listens on the discard port of this machine.
    @Test func reportsNoNetwork() {
        let error = #expect(throws: Download.Failure.self) {
            try Download.fetch(url: "http://127.0.0.1:9/a", to: directory.file("target"), sha256: "")
        }
        #expect(error?.description.contains("no answer from the network") == true)
        #expect(directory.contents.isEmpty)
    }
}
