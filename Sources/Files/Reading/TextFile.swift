import Platform

/// Reads text: UTF-8 in a file, or on standard input.
package enum TextFile {
    /// The text of a file of this program at `path`, byte for byte.
    /// - Throws: one line: no such file, a directory, a pipe or device, no permission, an empty file unless those are
    ///   allowed, bytes that are not UTF-8 (with the offset of the first).
    package static func read(_ path: String, allowingEmpty: Bool = false) throws(FileError) -> String {
        let bytes = try bytes(path)
        if bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(attempt, name(path), invalid(bytes[...], at: 0))
        }
        return text
    }

    /// The text that a user gives: that of the file at `path`, or of standard input if that is `-`.
    ///
    /// A byte-order mark at the beginning is left out. Everything else stays as it is: line ends, Unicode normalization.
    ///
    /// - Parameters:
    ///   - use: what the text is used for, which determines how much memory it needs.
    ///   - reportsLineEnds: whether `notice` is called for line ends of CR LF. False for tables, whose values do not contain them.
    ///   - notice: called with a sentence if a byte-order mark is left out, or if lines end in CR LF.
    /// - Throws: the errors of `read`, and one line for a text with NUL bytes, a text in UTF-16 or UTF-32, or one that
    ///   needs more memory than is available.
    package static func readText(
        _ path: String, allowingEmpty: Bool = false, for use: TextUse = .reading, reportsLineEnds: Bool = true,
        notice: (String) -> Void
    ) throws(FileError) -> String {
        let bytes = try bytes(path, for: use)
        var inspection = TextInspection(name(path), reportsLineEnds: reportsLineEnds)
        let start = try inspection.begin(bytes[...], notice: notice)
        let text = try inspection.text(of: bytes[start...], notice: notice)
        if text.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        return text
    }

    /// Reads the text at `path`, or standard input if that is `-`, in blocks: a text of any length in little memory.
    ///
    /// - Parameters:
    ///   - size: about the length of a block, or 0 for blocks as they arrive, such as the lines that a person types. A block
    ///     without a split point grows.
    ///   - reportsLineEnds: as in `readText`.
    ///   - splitPoint: where a text that begins with these bytes may be split, near their end and not within a
    ///     character; nil if nowhere.
    ///   - notice: called as in `readText`.
    ///   - body: called with the blocks in order. Together they are the text of `readText`, and each is valid UTF-8.
    /// - Throws: the errors of `readText` and of `body`.
    package static func readBlocks(
        _ path: String, size: Int = 1 << 22, allowingEmpty: Bool = false, reportsLineEnds: Bool = true,
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, notice: (String) -> Void, body: (String) throws -> Void
    ) throws {
        let descriptor = path == "-" ? STDIN_FILENO : try Files.openForReading(path).descriptor
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var inspection = TextInspection(name(path), reportsLineEnds: reportsLineEnds)
        var isBegun = false
        func begin() throws {
            if !isBegun { bytes.removeSubrange(..<(try inspection.begin(bytes[...], notice: notice))) }
            isBegun = true
        }
        var target = size
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            // A mark of up to four bytes does not begin with an ASCII character.
            if bytes.count < target || !isBegun && bytes.count < 4 && !(1..<0x80 ~= bytes[0]) { continue }
            try begin()
            guard let split = bytes.withUnsafeBufferPointer(splitPoint), split > 0 else {
                // No split point so far: the block doubles, unless the input has paused.
                try TextUse.reading.requireMemory(bytes.count, path)
                target = size == 0 && count < chunk.count ? 0 : 2 * bytes.count
                continue
            }
            try body(inspection.text(of: bytes[..<split], notice: notice))
            bytes.removeSubrange(..<split)
            target = size
        }
        try begin()
        if !inspection.hasText, bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        if !bytes.isEmpty { try body(inspection.text(of: bytes[...], notice: notice)) }
    }

    /// Reads the lines of the text at `path`, or of standard input if that is `-`, as they arrive.
    ///
    /// Lines end at LF or CR LF, which is no part of them. The end of the last line begins no other.
    /// - Parameters:
    ///   - notice: called with a sentence if a byte-order mark is left out.
    ///   - body: called with all complete lines that have arrived, in order.
    /// - Throws: the errors of `readText` and of `body`.
    package static func readLines(
        _ path: String, notice: (String) -> Void, body: ([String]) throws -> Void
    ) throws {
        try readBlocks(
            path, size: 0, allowingEmpty: true, reportsLineEnds: false,
            splitPoint: { bytes in bytes.lastIndex(of: 0x0A).map { $0 + 1 } }, notice: notice
        ) { block in
            var lines = block.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            if lines.last?.isEmpty == true { lines.removeLast() }
            try body(lines.map { String($0.last == 0x0D ? $0.dropLast() : $0) ?? "" })
        }
    }

    /// Why bytes that begin at `position` of a file are not a text.
    static func invalid(_ bytes: ArraySlice<UInt8>, at position: Int) -> String {
        "not valid UTF-8 at byte \(position + validPrefix(of: bytes))"
    }

    /// The bytes of the file at `path`, or of standard input if that is `-`; it may be empty.
    package static func bytes(_ path: String, for use: TextUse = .reading) throws(FileError) -> [UInt8] {
        if path == "-" { return try readAll(STDIN_FILENO, path, expecting: 0, for: use) }
        let (descriptor, size) = try Files.openForReading(path)
        defer { close(descriptor) }
        return try readAll(descriptor, path, expecting: size, for: use)
    }

    static let attempt = "cannot read"

    fileprivate static func name(_ path: String) -> String { path == "-" ? "standard input" : path }

    private static func readAll(
        _ descriptor: Int32, _ path: String, expecting size: Int, for use: TextUse
    ) throws(FileError) -> [UInt8] {
        try use.requireMemory(size, path)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { return bytes }
            if bytes.count + count > bytes.capacity {
                // The array grows to twice its size, and both exist while it is copied.
                try use.requireMemory(2 * (bytes.count + count), path)
            }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// The number of bytes at the start of `bytes` that are valid UTF-8.
    private static func validPrefix(of bytes: ArraySlice<UInt8>) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var valid = 0
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) { valid += scalar.count }
        return valid
    }
}

/// What a text is read for, which determines the most memory it needs: the raw value is bytes per byte of text.
package enum TextUse: Int, Sendable {
    /// As bytes, and then as a string.
    case reading = 2
    /// As bytes, as a string and as an array of 32-bit token ids, at most one for each byte.
    case encoding = 6

    /// Throws if there is not enough memory for a text of `count` bytes.
    fileprivate func requireMemory(_ count: Int, _ path: String) throws(FileError) {
        // Small files are always read, because the check itself takes time.
        guard count >= 1 << 20 else { return }
        let (bytes, overflows) = count.multipliedReportingOverflow(by: rawValue)
        try Files.requireMemory(
            overflows ? .max : bytes, TextFile.attempt, TextFile.name(path), "a text of this length takes")
    }
}
