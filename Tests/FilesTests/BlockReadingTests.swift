import Files
import TestSupport
import Testing

/// Reading texts in blocks.
@Suite struct BlockReading {
    let directory = TemporaryDirectory()

    /// The split point: after the last space.
    private func afterSpace(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? { bytes.lastIndex(of: 0x20).map { $0 + 1 } }

    private func blocks(_ bytes: [UInt8], size: Int = 1) throws -> [String] {
        try directory.write(bytes, to: "text")
        var blocks: [String] = []
        try TextFile.readBlocks(
            directory.file("text"), size: size, splitPoint: afterSpace, notice: { Issue.record("\($0)") }
        ) { blocks.append($0) }
        return blocks
    }

    @Test("The blocks are the text, each ends at a split point and none within a character")
    func joined() throws {
        let text = String(repeating: "Grüße, 漢字 🙂 ", count: 100_000)
        let blocks = try blocks(Array(text.utf8))
        #expect(blocks.count > 1)
        #expect(blocks.dropLast().allSatisfy { $0.utf8.last == 0x20 })
        #expect(blocks.joined().utf8.elementsEqual(text.utf8))
    }

    @Test("Without a split point a block grows")
    func uncut() throws {
        let text = [UInt8](repeating: 0x61, count: 1_000_000)
        #expect(try blocks(text).map(\.utf8.count) == [1_000_000])
        #expect(try blocks(text + [0x20] + text).map(\.utf8.count).reduce(0, +) == 2_000_001)
    }

    @Test("Errors are those of a text read at once, with the offset in the whole")
    func refusals() throws {
        let good = [UInt8]("abc ".utf8)
        var bytes = Array(repeatElement(good, count: 200_000).joined())
        bytes[700_001] = 0xFF
        let error = #expect(throws: FileError.self) { try blocks(bytes) }
        #expect(error?.description.contains("not valid UTF-8 at byte 700001") == true)
        #expect(throws: FileError.self) { try blocks([]) }
        #expect(throws: FileError.self) { try blocks([0xFF, 0xFE, 0x61, 0x00]) }
        #expect(throws: FileError.self) {
            try TextFile.readBlocks(directory.path, splitPoint: afterSpace, notice: { _ in }) { _ in }
        }
    }

    @Test(
        "Lines end at LF or CR LF, and the end of the last begins no other",
        arguments: [
            ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\r\n\r\n\u{E9}", ["a", "", "\u{E9}"]), ("\n\n", ["", ""]),
            ("\u{FEFF}a\rb\n", ["a\rb"]), (String(repeating: "x", count: 600_000) + "\ny", nil),
        ] as [(String, [String]?)])
    func lines(_ text: String, _ expected: [String]?) throws {
        try directory.write(Array(text.utf8), to: "lines")
        var lines: [String] = []
        try TextFile.readLines(directory.file("lines"), notice: { _ in }) { lines += $0 }
        #expect(
            lines.elementsEqual(expected ?? text.split(separator: "\n").map(String.init)) {
                $0.utf8.elementsEqual($1.utf8)
            })
    }
}
