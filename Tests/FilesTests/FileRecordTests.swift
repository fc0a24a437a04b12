import Files
import Foundation
import TestSupport
import Testing

@Suite("Records of files")
struct FileRecordTests {
    private let directory = TemporaryDirectory()
    private var file: String { directory.file("text.txt") }

    /// A record at a time when the file is old enough, or at the present time.
    private func record(_ kind: String = "length", of file: String? = nil, isNow: Bool = false) -> FileRecord? {
        FileRecord(
            kind, of: file ?? self.file, cache: directory.file("cache"),
            now: Int(Date().timeIntervalSince1970) + (isNow ? 0 : 10))
    }

    private func known(_ record: FileRecord?) -> String? {
        record?.contents.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("A record is kept until the file changes")
    func change() throws {
        try AtomicFile.write("abc", to: file)
        #expect(known(record()) == nil)
        record()?.keep("3\nbytes".utf8)
        #expect(known(record()) == "3\nbytes")
        #expect(known(record("hash")) == nil, "another kind")
        // Written in place, of the same length, with the old time of modification.
        let reference = directory.file("reference")
        #expect(try Subprocess.run("cp", ["-p", file, reference]) == 0)
        usleep(20_000)
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.write(contentsOf: Data("abd".utf8))
        try handle.close()
        #expect(try Subprocess.run("touch", ["-r", reference, file]) == 0)
        let times = try [file, reference].map {
            try FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date
        }
        #expect(times[0] == times[1])
        #expect(known(record()) == nil)
    }

    @Test("A link is the file that it names, and another file is not")
    func links() throws {
        try AtomicFile.write("abc", to: file)
        record()?.keep("3".utf8)
        try FileManager.default.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: file)
        #expect(known(record(of: directory.file("link"))) == "3")
        try FileManager.default.copyItem(atPath: file, toPath: directory.file("copy"))
        #expect(known(record(of: directory.file("copy"))) == nil)
    }

    @Test("Nothing is kept of a file that changed just now, or while it was read")
    func tooNew() throws {
        try AtomicFile.write("abc", to: file)
        record(isNow: true)?.keep("3".utf8)
        #expect(known(record()) == nil)
        let before = record()
        try AtomicFile.write("abcd", to: file)
        before?.keep("3".utf8)
        #expect(known(record()) == nil)
    }

    @Test("Only regular files have records, and a damaged record is none")
    func others() throws {
        #expect(record(of: directory.path) == nil)
        #expect(record(of: directory.file("none")) == nil)
        #expect(record(of: "-") == nil)
        try AtomicFile.write("abc", to: file)
        record()?.keep("3".utf8)
        let folder = directory.file("cache/records")
        for name in try Files.contents(ofDirectory: folder) { try AtomicFile.write("damaged", to: folder + "/" + name) }
        #expect(known(record()) == nil)
    }
}
