import Files
import Foundation
import TestSupport
import Testing

@Suite("Records of files")
struct FileRecordTests {
    private let directory = TemporaryDirectory()
    private var file: String { directory.file("text.txt") }

    private func record(_ kind: String = "length", of file: String? = nil) -> FileRecord? {
        FileRecord(kind, of: file ?? self.file, cache: directory.file("cache"))
    }

    /// A time at which the file is old enough.
    private let later = Int(Date().timeIntervalSince1970) + 10

    private func known(_ record: FileRecord?) -> String? {
        record?.contents.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("A record is kept until the file changes")
    func change() throws {
        try AtomicFile.write("abc", to: file)
        #expect(known(record()) == nil)
        record()?.keep("3\nbytes".utf8, now: later)
        #expect(known(record()) == "3\nbytes")
        #expect(known(record("hash")) == nil, "another kind")
        // Written in place, of the same length, with the old time of modification.
        let times = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
        usleep(20_000)
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.write(contentsOf: Data("abd".utf8))
        try handle.close()
        try FileManager.default.setAttributes([.modificationDate: times as Any], ofItemAtPath: file)
        #expect(known(record()) == nil)
    }

    @Test("A link is the file that it names, and another file is not")
    func links() throws {
        try AtomicFile.write("abc", to: file)
        record()?.keep("3".utf8, now: later)
        try FileManager.default.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: file)
        #expect(known(record(of: directory.file("link"))) == "3")
        try FileManager.default.copyItem(atPath: file, toPath: directory.file("copy"))
        #expect(known(record(of: directory.file("copy"))) == nil)
    }

    @Test("Nothing is kept of a file that changed just now, or while it was read")
    func tooNew() throws {
        try AtomicFile.write("abc", to: file)
        record()?.keep("3".utf8)
        #expect(known(record()) == nil)
        let before = record()
        try AtomicFile.write("abcd", to: file)
        before?.keep("3".utf8, now: later)
        #expect(known(record()) == nil)
    }

    @Test("Only regular files have records, and a damaged record is none")
    func others() throws {
        #expect(record(of: directory.path) == nil)
        #expect(record(of: directory.file("none")) == nil)
        #expect(record(of: "-") == nil)
        try AtomicFile.write("abc", to: file)
        record()?.keep("3".utf8, now: later)
        let folder = directory.file("cache/records")
        for name in try Files.contents(ofDirectory: folder) { try AtomicFile.write("damaged", to: folder + "/" + name) }
        #expect(known(record()) == nil)
    }
}
