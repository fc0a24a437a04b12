import Files
import TestSupport
import Testing

/// What is left out of a text that a user gives, what is said about it, and what is refused.
@Suite struct TextInspection {
    let directory = TemporaryDirectory()

    /// The text read at once, and in blocks split after spaces, with what was said; both must be the same.
    private func read(_ bytes: [UInt8]) throws -> (text: String, notices: [String]) {
        let path = directory.file("text")
        try directory.write(bytes, to: "text")
        var notices: [String] = []
        let whole = Result { try TextFile.readText(path) { notices.append($0) } }
        for size in [1, 1 << 19] {
            var blocks = "", said: [String] = []
            let inBlocks = Result {
                try TextFile.readBlocks(
                    path, size: size, splitPoint: { $0.lastIndex(of: 0x20).map { $0 + 1 } }, notice: { said.append($0) }
                ) { blocks += $0 }
            }
            #expect(said == notices)
            switch (whole, inBlocks) {
            case (.success(let text), .success): #expect(blocks == text && blocks.utf8.elementsEqual(text.utf8))
            case (.failure(let error), .failure(let other)): #expect("\(error)" == "\(other)")
            default: Issue.record("\(whole), but in blocks \(inBlocks)")
            }
        }
        return (try whole.get(), notices.map { $0.replacing(path, with: "FILE") })
    }

    private func refusal(_ bytes: [UInt8]) -> String {
        do {
            _ = try read(bytes)
            return "none"
        } catch { return "\(error)".replacing(directory.file("text"), with: "FILE") }
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    @Test("A byte-order mark is left out, and that is said; one within the text stays")
    func marks() throws {
        for text in ["a", "one two\n", String(repeating: "Grüße ", count: 100_000)] {
            let read = try read(Self.mark + text.utf8)
            #expect(read.text.utf8.elementsEqual(text.utf8))
            #expect(read.notices == ["FILE begins with a byte-order mark, which is left out."])
        }
        let within = try read(Self.mark + Array("a \u{FEFF}b".utf8))
        #expect(within.text.unicodeScalars.elementsEqual("a \u{FEFF}b".unicodeScalars))
        #expect(refusal(Self.mark) == "cannot read FILE: it is empty")
        #expect(refusal(Self.mark + [0x61, 0xFF]).contains("at byte 4;"))
    }

    @Test("Line ends of CR LF are said once and stay; a CR alone is a character like another")
    func lineEnds() throws {
        let long = String(repeating: "word ", count: 200_000)
        for text in ["a\r\n", "a\r\nb\r\n", "\r\r\n", long + "\r\n" + long + "\r\n"] {
            let read = try read(Array(text.utf8))
            #expect(read.text.utf8.elementsEqual(text.utf8))
            #expect(read.notices == ["The lines of FILE end in CR LF, which is kept; tr -d '\\r' removes the CR."])
        }
        for text in ["a\n", "a\rb\n", "a\n\rb\r", "\r \n"] { #expect(try read(Array(text.utf8)).notices == []) }
        #expect(try read(Self.mark + Array("a\r\n".utf8)).notices.count == 2)
    }

    @Test("A line end that two blocks share is found")
    func sharedLineEnd() throws {
        try directory.write(Array(String(repeating: "a\r\n", count: 100_000).utf8), to: "text")
        var notices = 0, blocks = 0
        try TextFile.readBlocks(
            directory.file("text"), size: 1, splitPoint: { $0.lastIndex(of: 0x0D).map { $0 + 1 } },
            notice: { _ in notices += 1 }, body: { _ in blocks += 1 })
        #expect(notices == 1 && blocks > 1)
        // The only one.
        let half = [UInt8](repeating: 0x61, count: 1 << 18)
        try directory.write(half.dropLast() + [0x0D, 0x0A] + half, to: "text")
        notices = 0
        try TextFile.readBlocks(
            directory.file("text"), size: 1, splitPoint: { $0.lastIndex(of: 0x0D).map { $0 + 1 } },
            notice: { _ in notices += 1 }, body: { _ in })
        #expect(notices == 1)
    }

    /// A text in an encoding of `width` bytes for each of its characters.
    private static func encoded(_ text: String, width: Int, bigEndian: Bool) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar in
            let bytes = (0..<width).map { UInt8(truncatingIfNeeded: scalar.value >> UInt32(8 * $0)) }
            return bigEndian ? bytes.reversed() : bytes
        }
    }

    @Test(
        "Texts in UTF-16 and UTF-32 are refused with the way out, with and without a mark",
        arguments: ["hi", "Grüße aus Köln, 12 % teurer\n", "漢字 and kana かな, mixed with words\n"],
        [(2, false), (2, true), (4, false), (4, true)])
    func encodings(_ text: String, _ form: (width: Int, bigEndian: Bool)) {
        let encoding = "UTF-\(8 * form.width)"
        let marked = Self.encoded("\u{FEFF}" + text, width: form.width, bigEndian: form.bigEndian)
        #expect(
            refusal(marked)
                == "cannot read FILE: it is \(encoding); convert it with iconv -f \(encoding) -t UTF-8")
        let order = encoding + (form.bigEndian ? "BE" : "LE")
        #expect(
            refusal(Self.encoded(text, width: form.width, bigEndian: form.bigEndian))
                == "cannot read FILE: it seems to be \(order); convert it with iconv -f \(order) -t UTF-8")
    }

    @Test("A NUL byte is refused with its offset, also far into a text")
    func nuls() {
        #expect(refusal([0x61, 0, 0x62]).hasPrefix("cannot read FILE: it contains a NUL byte at byte 1,"))
        var bytes = Array(repeatElement([UInt8]("abc ".utf8), count: 200_000).joined())
        bytes[700_001] = 0
        #expect(refusal(bytes).contains("a NUL byte at byte 700001,"))
        #expect(refusal(Self.mark + [0x61, 0]).contains("a NUL byte at byte 4,"))
    }

    @Test("What is not UTF-8 is refused with its offset and what to try")
    func invalid() {
        let text = "Gr\u{FC}\u{DF}e\n".unicodeScalars.map { UInt8($0.value) }
        #expect(
            refusal(text)
                == "cannot read FILE: not valid UTF-8 at byte 2; if it is in another encoding, convert it, for example with "
                + "iconv -f WINDOWS-1252 -t UTF-8")
    }
}
