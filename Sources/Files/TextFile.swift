#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Text as people give it: UTF-8 in a file, or on standard input.
package enum TextFile {
    /// The text of the file at `path`, or of standard input where that is `-`, byte for byte: no line ending, form of
    /// a character or byte order mark is changed.
    ///
    /// Throws one line for each thing that can be wrong: no such file, a directory, a pipe or device, no permission,
    /// an empty file unless those are allowed, bytes that are not UTF-8 (with the offset of the first).
    package static func read(_ path: String, allowingEmpty: Bool = false) throws(FileError) -> String {
        let bytes = try bytes(path)
        if bytes.isEmpty, !allowingEmpty { throw FileError(attempt, name(path), "it is empty") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            var reason = "not valid UTF-8 at byte \(validPrefix(of: bytes))"
            if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
                reason += ": it looks like UTF-16; save it as UTF-8"
            }
            throw FileError(attempt, name(path), reason)
        }
        return text
    }

    /// The bytes of the file at `path`, or of standard input where that is `-`; there may be none.
    package static func bytes(_ path: String) throws(FileError) -> [UInt8] {
        if path == "-" { return try readAll(STDIN_FILENO, path, expecting: 0) }
        let (descriptor, size) = try Files.openForReading(path)
        defer { close(descriptor) }
        return try readAll(descriptor, path, expecting: size)
    }

    private static let attempt = "cannot read"

    private static func name(_ path: String) -> String { path == "-" ? "standard input" : path }

    private static func readAll(_ descriptor: Int32, _ path: String, expecting size: Int) throws(FileError) -> [UInt8] {
        let limit = Files.availableMemory
        func check(_ count: Int) throws(FileError) {
            if count > limit { throw FileError(attempt, name(path), "it is larger than the memory there is") }
        }

        try check(size)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0 { throw FileError(attempt, name(path)) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            try check(bytes.count)
        }
    }

    /// How many bytes at the start of `bytes` are valid UTF-8.
    private static func validPrefix(of bytes: [UInt8]) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var valid = 0
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) { valid += scalar.count }
        return valid
    }
}
