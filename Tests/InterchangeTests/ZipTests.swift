import Files
import Interchange
import TestSupport
import Testing

@Suite struct ZipTests {
    private static let contents: [(name: String, bytes: [UInt8])] = [
        ("a/first", Array("some bytes".utf8)), ("a/empty", []), ("a/é", (0..<200).map { UInt8($0) }),
        ("a/\(String(repeating: "long", count: 40))", [1]),
    ]

    /// The archive of `contents` as bytes.
    private static func archive(_ entries: [ZipEntry] = contents.map(ZipEntry.init)) throws -> [UInt8] {
        let directory = TemporaryDirectory()
        try AtomicFile.replace(at: directory.file("a")) { file in
            var writer = ZipWriter(file)
            for entry in entries { #expect(try writer.append(entry)) }
            try writer.finish()
        }
        return try TextFile.bytes(directory.file("a"))
    }

    /// Opens the archive that a file of these bytes is.
    private static func opened(_ bytes: [UInt8]) throws -> ZipArchive {
        let directory = TemporaryDirectory()
        try directory.write(bytes, to: "a")
        return try ZipArchive(path: directory.file("a"))
    }

    private static func failure(_ bytes: [UInt8]) -> String? {
        do { _ = try opened(bytes) } catch { return (error as? ModelError)?.reason ?? "\(error)" }
        return nil
    }

    @Test("What is written is read, and begins at multiples of 64 bytes")
    func roundTrip() throws {
        let bytes = try Self.archive()
        let archive = try Self.opened(bytes)
        #expect(archive.names == Self.contents.map(\.name))
        for (name, content) in Self.contents {
            #expect(try archive.bytes(of: name) == content)
            let range = try archive.range(of: name)
            #expect(range.lowerBound % 64 == 0)
            #expect(Array(bytes[range]) == content)
            try archive.verify(ZipEntry(name: name, bytes: content))
        }
        #expect(throws: ModelError.self) { try archive.bytes(of: "a/e\u{301}") }
        #expect(try Self.opened(Self.archive([])).names == [])
    }

    /// The bytes of an archive with one entry, field by field.
    @Test func golden() throws {
        let entry = ZipEntry(name: "n", bytes: Array("123456789".utf8))
        #expect(
            ZipWriter.localHeader(entry, at: 0) == [
                0x50, 0x4B, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0x26, 0x39, 0xF4, 0xCB, 9, 0, 0, 0, 9, 0, 0, 0, 1,
                0,
                33, 0, UInt8(ascii: "n"), 0x46, 0x42, 29, 0,
            ] + [UInt8](repeating: UInt8(ascii: "Z"), count: 29))
        #expect(
            ZipWriter.directoryRecord(entry, at: 0x102) == [
                0x50, 0x4B, 1, 2, 45, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0x26, 0x39, 0xF4, 0xCB, 9, 0, 0, 0, 9, 0, 0,
                0,
                1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, UInt8(ascii: "n"),
            ])
        #expect(
            ZipWriter.end(count: 3, directorySize: 0x203, at: 0x405) == [
                0x50, 0x4B, 5, 6, 0, 0, 0, 0, 3, 0, 3, 0, 3, 2, 0, 0, 5, 4, 0, 0, 0, 0,
            ])
    }

    /// Beyond 32 bits the old fields are saturated and the numbers are in the field of zip64.
    @Test func large() {
        let entry = ZipEntry(name: "n", size: 5 << 32, checksum: 7) { _ in }
        let size: [UInt8] = [0, 0, 0, 0, 5, 0, 0, 0], place: [UInt8] = [1, 0, 0, 0, 2, 0, 0, 0]
        let saturated = [UInt8](repeating: 0xFF, count: 4)
        let local = ZipWriter.localHeader(entry, at: 0)
        #expect(local.count % 64 == 0)
        #expect(Array(local[4..<6]) == [45, 0])
        #expect(Array(local[18..<26]) == saturated + saturated)
        #expect(Array(local[31..<51]) == [1, 0, 16, 0] + size + size)
        let record = ZipWriter.directoryRecord(entry, at: 0x2_0000_0001)
        #expect(Array(record[42..<46]) == saturated)
        #expect(Array(record[47...]) == [1, 0, 24, 0] + size + size + place)
        let far = ZipWriter.directoryRecord(ZipEntry(name: "n", bytes: [1]), at: 0x2_0000_0001)
        #expect(Array(far[20..<24]) == [1, 0, 0, 0])
        #expect(Array(far[47...]) == [1, 0, 8, 0] + place)
        let end = ZipWriter.end(count: 2, directorySize: 0x60, at: 0x2_0000_0001)
        #expect(Array(end[..<12]) == [0x50, 0x4B, 6, 6, 44, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(end[48..<56]) == place)
        #expect(Array(end[56..<76]) == [0x50, 0x4B, 6, 7, 0, 0, 0, 0, 0x61, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0])
        #expect(Array(end[92..<96]) == saturated)
    }

    @Test("An archive of more entries than 16 bits can count is read")
    func manyEntries() throws {
        let bytes = try Self.archive((0..<66_000).map { ZipEntry(name: "\($0)", bytes: []) })
        #expect(try Self.opened(bytes).names.count == 66_000)
    }

    @Test("An entry that is not what was written is told apart")
    func verification() throws {
        let archive = try Self.opened(Self.archive())
        let (name, content) = Self.contents[2]
        for other in [Array(content.dropLast()), content + [0], content.map { $0 ^ 1 }] {
            #expect(throws: ModelError.self) { try archive.verify(ZipEntry(name: name, bytes: other)) }
        }
        // Of the right length and with the checksum of what is there.
        let checksum = content.withUnsafeBytes { CRC32.checksum(of: $0) }
        let changed = content.map { $0 ^ 1 }
        let entry = ZipEntry(name: name, size: content.count, checksum: checksum) { try changed.withUnsafeBytes($0) }
        #expect(throws: ModelError.self) { try archive.verify(entry) }
        #expect(throws: ModelError.self) { try archive.verify(ZipEntry(name: "none", bytes: [])) }
    }

    @Test("A writer says that an entry did not supply what it had the checksum of")
    func changedEntry() throws {
        let directory = TemporaryDirectory()
        try AtomicFile.replace(at: directory.file("a")) { file in
            var writer = ZipWriter(file)
            let entry = ZipEntry(name: "a", size: 1, checksum: 7) { piece in try [UInt8(1)].withUnsafeBytes(piece) }
            let isSame = try writer.append(entry)
            #expect(!isSame)
        }
    }

    @Test("An archive cut short is refused, wherever")
    func truncated() throws {
        let bytes = try Self.archive()
        for length in stride(from: 0, to: bytes.count, by: 7) { #expect(Self.failure(Array(bytes[..<length])) != nil) }
    }

    @Test("Entries that overlap, lie elsewhere, or contradict themselves are refused")
    func contradictions() throws {
        let entries = [ZipEntry(name: "a", bytes: [1, 2, 3]), ZipEntry(name: "b", bytes: [4, 5, 6])]
        let bytes = try Self.archive(entries)
        let list = Int(bytes[bytes.count - 6]) | Int(bytes[bytes.count - 5]) << 8
        let second = list + ZipWriter.directoryRecord(entries[0], at: 0).count
        func changed(_ place: Int, _ values: [UInt8]) -> String? {
            var bytes = bytes
            bytes.replaceSubrange(place..<place + values.count, with: values)
            return Self.failure(bytes)
        }
        #expect(changed(second + 42, [0, 0, 0, 0]) == "the entry \"b\" does not follow the one before it")
        #expect(changed(second + 42, [0xFF, 0xFF, 0xFF, 0xFF])?.contains("Zip64 sizes") == true)
        #expect(changed(list + 10, [8])?.contains("compressed") == true)
        #expect(changed(list + 8, [1])?.contains("encrypted") == true)
        #expect(changed(list + 16, [0])?.contains("two headers") == true)
        #expect(changed(18, [0xF0, 0, 0, 0, 0xF0, 0, 0, 0])?.contains("two headers") == true)
        #expect(changed(30, [UInt8(ascii: "c")])?.contains("two headers") == true)
        #expect(changed(list + 28, [0xFF, 0xFF]) == "its central directory is damaged")
        #expect(changed(bytes.count - 12, [0xF0, 0xFF])?.contains("several parts") == true)
        #expect(changed(bytes.count - 14, [1, 0, 1, 0])?.contains("does not end") == true)
        #expect(
            changed(bytes.count - 14, [0xF0, 0x0F, 0xF0, 0x0F])?.contains("its central directory of 4080 entries")
                == true)
        // The second entry by the name of the first, in both of its headers: behind three bytes at 64, and in the list.
        var same = bytes
        for place in [67 + 30, second + 46] { same[place] = UInt8(ascii: "a") }
        #expect(Self.failure(same) == "two entries have the name \"a\"")
    }

    @Test("Of a damaged archive nothing is read but what was written", arguments: 1...300)
    func damaged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bytes = mutated(try Self.archive(), using: &generator)
        guard let archive = try? Self.opened(bytes) else { return }
        for name in archive.names {
            guard let read = try? archive.bytes(of: name) else { continue }
            #expect(Self.contents.contains { $0.bytes == read })
        }
    }
}
