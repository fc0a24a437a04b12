import Platform

/// Text as people give it: UTF-8 in a file, or on standard input.
package enum TextFile {
    /// The text of the file at `path`, or of standard input where that is `-`, byte for byte: no line ending, form of
    /// a character or byte order mark is changed.
    ///
    /// Throws one line for each thing that can be wrong: no such file, a directory, a pipe or device, no permission,
    /// an empty file unless those are allowed, bytes that are not UTF-8 (with the offset of the first), a text that takes
    /// more memory than there is.
    /// - Parameter use: what the text is for, which decides how much memory it takes.
    package static func read(
        _ path: String, allowingEmpty: Bool = false, for use: TextUse = .reading
    ) throws(FileError) -> String {
        let bytes = try bytes(path, for: use)
        if bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        return try text(bytes[...], path, at: 0)
    }

    /// Reads the text at `path`, or standard input where that is `-`, in blocks: a text of any length in little memory.
    ///
    /// - Parameters:
    ///   - size: about the length of a block. One grows as long as there is no place to cut it.
    ///   - splitPoint: where a text that begins with these bytes may be cut in two, near their end; it must not be within a
    ///     character. nil where there is none.
    ///   - body: takes the blocks in order. Together they are the text, and each is valid UTF-8.
    /// - Throws: what `read` throws, and what `body` does.
    package static func readBlocks(
        _ path: String, size: Int = 1 << 22, allowingEmpty: Bool = false,
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, body: (String) throws -> Void
    ) throws {
        let descriptor = path == "-" ? STDIN_FILENO : try Files.openForReading(path).descriptor
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        var position = 0
        var target = size
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { break }
            bytes.append(contentsOf: piece[..<count])
            if bytes.count < target { continue }
            guard let cut = bytes.withUnsafeBufferPointer(splitPoint), cut > 0 else {
                // There is no place to cut it so far: the block doubles.
                try TextUse.reading.requireMemory(bytes.count, path)
                target = 2 * bytes.count
                continue
            }
            try body(text(bytes[..<cut], path, at: position))
            bytes.removeSubrange(..<cut)
            position += cut
            target = size
        }
        if position == 0, bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        if !bytes.isEmpty { try body(text(bytes[...], path, at: position)) }
    }

    /// The text of bytes that begin at `position` of what is at `path`.
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

    /// The bytes of the file at `path`, or of standard input where that is `-`; there may be none.
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
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { return bytes }
            if bytes.count + count > bytes.capacity {
                // The array grows to twice its size, and both are there while it is copied.
                try use.requireMemory(2 * (bytes.count + count), path)
            }
            bytes.append(contentsOf: piece[..<count])
        }
    }

    /// How many bytes at the start of `bytes` are valid UTF-8.
    private static func validPrefix(of bytes: ArraySlice<UInt8>) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var valid = 0
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) { valid += scalar.count }
        return valid
    }
}

/// What a text is read for, which decides how much memory it takes at most.
package enum TextUse: Int, Sendable {
    /// As bytes, and then as a string.
    case reading = 2
    /// As bytes, as a string and as an array of 32-bit token ids, at most one for each byte.
    case encoding = 6

    /// Throws where there is not as much memory as a text of `count` bytes takes.
    fileprivate func requireMemory(_ count: Int, _ path: String) throws(FileError) {
        // Small files are read in any case, for the question itself takes time.
        guard count >= 1 << 20 else { return }
        let (bytes, overflows) = count.multipliedReportingOverflow(by: rawValue)
        try Files.requireMemory(
            overflows ? .max : bytes, TextFile.attempt, TextFile.name(path), "a text of this length takes")
    }
}
