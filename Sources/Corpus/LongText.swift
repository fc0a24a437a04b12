import Files
import StrictJSON

/// A text that is not in memory as a whole. It is read from its files in blocks, as often as it is needed.
package struct LongText: Sendable {
    /// A file or a shorter text.
    private enum Part: Sendable {
        case file(path: String, name: String)
        case memory(name: String, text: String)
    }

    /// How the text is divided into documents.
    private enum Division: Sendable {
        /// Not at all: it is one text without an end.
        case none
        /// Each part is a document.
        case parts
        /// Each line is a JSON object with a document.
        case lines
        /// A separator is between two documents.
        case separator(String)
    }

    /// What `read` reads.
    package enum Piece {
        /// Some characters.
        case text(String)
        /// The end of a document.
        case end
    }

    private let parts: [Part]
    private let division: Division

    /// The number of Unicode scalars.
    package private(set) var count = 0
    /// The number of bytes in UTF-8.
    package private(set) var bytes = 0
    /// The length of each document in Unicode scalars; nil if the text has none.
    package private(set) var documentLengths: [Int]?
    /// The characters that occur.
    package private(set) var alphabet: [Unicode.Scalar] = []

    /// About the number of bytes of a block.
    private static let blockSize = 1 << 19

    // MARK: Making

    /// Checks, counts and hashes a file. If an earlier run has kept a record of it, the file is not read.
    /// - Parameters:
    ///   - path: the file.
    ///   - name: its name in messages.
    ///   - record: the record of the file; nil if there is to be none.
    ///   - notice: called as in `TextSource.read`.
    /// - Returns: the text, and the SHA-256 of the file; nil if it contains conversations.
    package static func scan(
        _ path: String, name: String, record: FileRecord?, notice: (String) -> Void
    ) throws -> (text: LongText, sha256: String)? {
        var text = LongText(parts: [.file(path: path, name: name)], division: DocumentFile.isOne(path) ? .lines : .none)
        if let known = record?.contents, let hash = text.restore(from: known, notice: notice) { return (text, hash) }
        var hash = SHA256(), notices: [String] = []
        do {
            try text.scan(
                notice: {
                    notices.append($0)
                    notice($0)
                }
            ) { block in
                var block = block
                block.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
            }
        } catch is DocumentFile.Conversations {
            return nil
        }
        let digest = SHA256.hexadecimal(hash.finalize())
        // The record of a text with millions of documents would need too much memory.
        if text.documentLengths?.count ?? 0 <= 1 << 20 {
            record?.keep(text.record(sha256: digest, notices: notices).utf8)
        }
        return (text, digest)
    }

    /// The record of a file; nil for a short file, because reading it again takes little time.
    static func record(of path: String) -> FileRecord? {
        // Increase the number when the contents of the record or the checks of texts change.
        Files.size(path) ?? 0 < 1 << 20 ? nil : FileRecord("text 1", of: path)
    }

    /// The results of a scan, as JSON.
    /// - Parameters:
    ///   - sha256: the SHA-256 of the file.
    ///   - notices: the messages of the scan.
    package func record(sha256: String, notices: [String]) -> String {
        let members: [(String, JSON)] = [
            ("sha256", .string(sha256)), ("characters", .int(count)), ("bytes", .int(bytes)),
            ("alphabet", .string(String(String.UnicodeScalarView(alphabet)))),
            ("documents", documentLengths.map { .array($0.map { .int($0) }) } ?? .null),
            ("notices", .array(notices.map { .string($0) })),
        ]
        return JSON.object(JSONObject(members)).serialized()
    }

    /// Sets the results of an earlier scan.
    /// - Parameters:
    ///   - record: what `record` returned.
    ///   - notice: called with the messages of that scan.
    /// - Returns: the SHA-256 of the file; nil if the record is damaged or does not fit this kind of text.
    package mutating func restore(from record: [UInt8], notice: (String) -> Void) -> String? {
        guard let json = try? JSON(parsing: record), let hash = json["sha256"]?.stringValue,
            let count = json["characters"]?.intValue, let bytes = json["bytes"]?.intValue,
            let alphabet = json["alphabet"]?.stringValue,
            let documents = json["documents"], let notices = json["notices"]?.arrayValue
        else { return nil }
        let lengths = documents.arrayValue?.compactMap(\.intValue)
        guard (lengths != nil) == hasDocuments, lengths?.count == documents.arrayValue?.count else { return nil }
        (self.count, self.bytes, documentLengths) = (count, bytes, lengths)
        self.alphabet = Array(alphabet.unicodeScalars)
        for text in notices.compactMap(\.stringValue) { notice(text) }
        return hash
    }

    private init(parts: [Part], division: Division) {
        self.parts = parts
        self.division = division
    }

    /// The text divided at a separator.
    /// - Throws: if it does not contain the separator.
    func separated(by separator: String) throws -> LongText {
        var text = LongText(parts: parts, division: .separator(separator))
        let separators = try text.scan(notice: { _ in }, block: { _ in })
        guard separators > 0 else { throw CorpusError.withoutSeparator(name) }
        return text
    }

    /// Texts as the documents of one, which are not divided themselves.
    static func joined(_ texts: [NamedText]) -> LongText {
        var all = LongText(
            parts: texts.flatMap { $0.long?.parts ?? [.memory(name: $0.name, text: $0.text)] }, division: .parts)
        var lengths: [Int] = [], alphabet: Set<Unicode.Scalar> = []
        for text in texts {
            let length: Int
            if let long = text.long {
                length = long.count
                all.bytes += long.bytes
                alphabet.formUnion(long.alphabet)
            } else {
                length = text.text.unicodeScalars.count
                all.bytes += text.text.utf8.count
                alphabet.formUnion(text.text.unicodeScalars)
            }
            lengths.append(length)
            all.count += length
        }
        all.documentLengths = lengths
        all.alphabet = alphabet.sorted()
        return all
    }

    private var hasDocuments: Bool { if case .none = division { false } else { true } }

    private var name: String {
        switch parts.first {
        case .file(_, let name): name
        case .memory(let name, _): name
        case nil: ""
        }
    }

    /// Counts documents, characters and bytes.
    /// - Parameter block: called with each block of the files.
    /// - Returns: the number of separators.
    @discardableResult
    private mutating func scan(notice: (String) -> Void, block: (String) -> Void) throws -> Int {
        var characters = CharacterCounter(), lengths: [Int] = [], start = 0, separators = 0
        try read(
            splitPoint: { bytes in bytes.lastIndex { $0 < 0x80 }.map { $0 + 1 } }, notice: notice, block: block,
            separator: { separators += 1 }
        ) { piece in
            switch piece {
            case .text(let text): characters.add(text)
            case .end:
                lengths.append(characters.count - start)
                start = characters.count
            }
        }
        count = characters.count
        bytes = characters.bytes
        alphabet = characters.alphabet
        documentLengths = hasDocuments ? lengths : nil
        if case .lines = division, lengths.isEmpty { throw CorpusError("\(name): it has no documents") }
        return separators
    }

    // MARK: Reading

    /// Reads the text from beginning to end.
    /// - Parameters:
    ///   - splitPoint: where a text that begins with some bytes may be split, near their end; nil if nowhere.
    ///   - whole: spellings that are not split.
    ///   - notice: called as in `TextSource.read`.
    ///   - block: called with each block of the files, from which the pieces after it are.
    ///   - separator: called at each separator of documents.
    ///   - body: called with each piece. An empty document has none.
    /// - Throws: why a file cannot be read, in one line, and what `body` throws.
    package func read(
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, keepingWhole whole: [String] = [],
        notice: (String) -> Void = { _ in }, block: (String) -> Void = { _ in }, separator: () -> Void = {},
        body: (Piece) throws -> Void
    ) throws {
        for part in parts {
            guard case .file(let path, let name) = part else {
                if case .memory(_, let text) = part, !text.isEmpty {
                    try body(.text(text))
                    try body(.end)
                }
                continue
            }
            switch division {
            case .none, .parts:
                let kept = whole.map { Array($0.utf8) }
                try TextFile.readBlocks(
                    path, size: Self.blockSize, splitPoint: { Self.split($0, splitPoint, outside: kept) },
                    notice: notice
                ) { text in
                    block(text)
                    try body(.text(text))
                }
                if case .parts = division { try body(.end) }
            case .separator(let text):
                try read(path, separatedBy: text, splitPoint, whole, notice, separator, block, body)
            case .lines:
                var reader = DocumentFile.LineReader(name)
                try TextFile.readBlocks(
                    path, size: Self.blockSize, splitPoint: { bytes in bytes.lastIndex(of: 0x0A).map { $0 + 1 } },
                    notice: notice
                ) { text in
                    block(text)
                    try reader.read(text) { document in
                        try body(.text(document))
                        try body(.end)
                    }
                }
            }
        }
    }

    /// Calls `body` with the characters of the text, some at a time.
    /// - Parameters:
    ///   - splitPoint: where they may be split, as in `read`. Where it finds nothing they are split between lines.
    ///   - whole: spellings that are not split.
    /// - Throws: why a file cannot be read, in one line, and what `body` throws.
    package func forEachText(
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, keepingWhole whole: [String] = [],
        _ body: (String) throws -> Void
    ) throws {
        try read(
            splitPoint: { bytes in splitPoint(bytes) ?? bytes.lastIndex(of: 0x0A).map { $0 + 1 } }, keepingWhole: whole
        ) { piece in
            if case .text(let text) = piece { try body(text) }
        }
    }

    private func read(
        _ path: String, separatedBy separator: String, _ splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?,
        _ whole: [String], _ notice: (String) -> Void, _ found: () -> Void, _ block: (String) -> Void,
        _ body: (Piece) throws -> Void
    ) throws {
        let spelling = Array(separator.utf8), kept = whole.map { Array($0.utf8) }
        var isBegun = false
        func end() throws {
            if isBegun { try body(.end) }
            isBegun = false
        }
        try TextFile.readBlocks(
            path, size: Self.blockSize,
            splitPoint: { bytes in
                // What begins before it can be seen as a whole.
                let seen = UnsafeBufferPointer(rebasing: bytes.dropLast(spelling.count))
                guard let point = Self.split(seen, splitPoint, outside: kept) else { return nil }
                return Self.move(point, outOf: spelling, in: bytes)
            }, notice: notice
        ) { text in
            block(text)
            for (number, piece) in text.pieces(between: separator).enumerated() {
                if number > 0 {
                    found()
                    try end()
                }
                guard !piece.isEmpty else { continue }
                isBegun = true
                try body(.text(String(piece)))
            }
        }
        try end()
    }

    /// A split point that is not within one of some spellings.
    private static func split(
        _ bytes: UnsafeBufferPointer<UInt8>, _ splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, outside kept: [[UInt8]]
    ) -> Int? {
        let reach = kept.map(\.count).max() ?? 0
        guard bytes.count > reach,
            let point = splitPoint(UnsafeBufferPointer(rebasing: bytes.dropLast(reach)))
        else { return nil }
        var best = point
        for spelling in kept where spelling.count > 1 {
            let range = max(0, point - spelling.count + 1)..<min(bytes.count, point + spelling.count - 1)
            let near = UnsafeBufferPointer(rebasing: bytes[range])
            if let start = near.firstRange(of: spelling)?.lowerBound { best = min(best, range.lowerBound + start) }
        }
        return best > 0 ? best : nil
    }

    /// The beginning of the separator that contains `point` in bytes that begin outside a separator; otherwise `point`.
    private static func move(_ point: Int, outOf separator: [UInt8], in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let first = separator.first else { return point }
        var position = 0
        while position < point, let start = bytes[position..<point].firstIndex(of: first) {
            guard bytes[start...].starts(with: separator) else {
                position = start + 1
                continue
            }
            if start + separator.count > point { return start > 0 ? start : nil }
            position = start + separator.count
        }
        return point
    }
}

/// Counts the characters and bytes of a text that is given in pieces.
private struct CharacterCounter {
    private(set) var count = 0
    private(set) var bytes = 0
    /// Whether each character occurs.
    private var occurs = [Bool](repeating: false, count: 0x110000)

    mutating func add(_ text: String) {
        var text = text
        let (characters, isASCII) = text.withUTF8 { buffer in
            var all: UInt8 = 0, count = 0
            for byte in buffer {
                all |= byte
                count += byte & 0xC0 == 0x80 ? 0 : 1
            }
            return (count, all < 0x80)
        }
        count += characters
        bytes += text.utf8.count
        // An unsafe buffer, because checks at each access would take most of the time.
        occurs.withUnsafeMutableBufferPointer { occurs in
            if isASCII {
                text.withUTF8 { for byte in $0 { occurs[Int(byte)] = true } }
            } else {
                for scalar in text.unicodeScalars { occurs[Int(scalar.value)] = true }
            }
        }
    }

    var alphabet: [Unicode.Scalar] { occurs.indices.compactMap { occurs[$0] ? Unicode.Scalar(UInt32($0)) : nil } }
}
