import Platform

/// Reads text given by a user: UTF-8 in a file, or on standard input.
package enum TextFile {
    /// The text of the file at `path`, or of standard input if that is `-`, byte for byte: line endings, Unicode
    /// normalization and byte order marks are not changed.
    ///
    /// - Parameter use: what the text is used for, which determines how much memory it needs.
    /// - Throws: one line: no such file, a directory, a pipe or device, no permission, an empty file unless those are
    ///   allowed, bytes that are not UTF-8 (with the offset of the first), a text that needs more memory than is
    ///   available.
    package static func read(
        _ path: String, allowingEmpty: Bool = false, for use: TextUse = .reading
    ) throws(FileError) -> String {
        let bytes = try bytes(path, for: use)
        if bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        return try text(bytes[...], path, at: 0)
    }

    /// Reads the text at `path`, or standard input if that is `-`, in blocks: a text of any length in little memory.
    ///
    /// - Parameters:
    ///   - size: about the length of a block. A block without a split point grows.
    ///   - splitPoint: where a text that begins with these bytes may be split, near their end and not within a
    ///     character; nil if nowhere.
    ///   - body: called with the blocks in order. Together they are the text, and each is valid UTF-8.
    /// - Throws: the errors of `read` and of `body`.
    package static func readBlocks(
        _ path: String, size: Int = 1 << 22, allowingEmpty: Bool = false,
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, body: (String) throws -> Void
    ) throws {
        let descriptor = path == "-" ? STDIN_FILENO : try Files.openForReading(path).descriptor
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var position = 0
        var target = size
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count < target { continue }
            guard let split = bytes.withUnsafeBufferPointer(splitPoint), split > 0 else {
                // No split point so far: the block doubles.
                try TextUse.reading.requireMemory(bytes.count, path)
                target = 2 * bytes.count
                continue
            }
            try body(text(bytes[..<split], path, at: position))
            bytes.removeSubrange(..<split)
            position += split
            target = size
        }
        if position == 0, bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        if !bytes.isEmpty { try body(text(bytes[...], path, at: position)) }
    }

    /// The text of bytes that begin at `position` of the file at `path`.
    private static func text(
        _ bytes: ArraySlice<UInt8>, _ path: String, at position: Int
    ) throws(FileError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var reason = "not valid UTF-8 at byte \(position + validPrefix(of: bytes))"
        if position == 0, bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            reason += ": it looks like UTF-16; save it as UTF-8"
        }
        throw FileError(attempt, name(path), reason)
    }

    /// The bytes of the file at `path`, or of standard input if that is `-`; it may be empty.
    package static func bytes(_ path: String, for use: TextUse = .reading) throws(FileError) -> [UInt8] {
        if path == "-" { return try readAll(STDIN_FILENO, path, expecting: 0, for: use) }
        let (descriptor, size) = try Files.openForReading(path)
        defer { close(descriptor) }
        return try readAll(descriptor, path, expecting: size, for: use)
    }

    fileprivate static let attempt = "cannot read"

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
