import Files

/// Files of token ids that other programs encoded, which end in `.bin`.
///
/// - nanoGPT's: 16-bit unsigned ids and nothing else.
/// - llm.c's: a header of 256 32-bit integers, then the ids. The first integer is 20240520 for GPT-2's 16-bit ids or 20240801
///   for Llama 3's 32-bit ids, the second is the version, and the third is the number of ids.
///
/// All little-endian. The file does not record the tokenizer.
enum TokenShard {
    private static let headerSize = 1024
    /// The first and second numbers of known headers, and the size of an id in bytes.
    private static let headers: [(magic: UInt32, version: UInt32, size: Int)] = [
        (20_240_520, 1, 2), (20_240_801, 7, 4),
    ]

    /// Whether a file is one of token ids, by its name.
    static func isOne(_ path: String) -> Bool { path.hasSuffix(".bin") }

    /// Reads a file.
    /// - Throws: if it is truncated, or an id is not valid.
    static func read(_ path: String) throws -> NamedText {
        let file = try MappedFile(path: path)
        func failure(_ reason: String) -> CorpusError { CorpusError("\(path): \(reason)") }
        return try withExtendedLifetime(file) {
            let bytes = file.bytes
            func word(_ number: Int) -> UInt32 {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * number, as: UInt32.self))
            }
            var size = 2, start = 0
            if bytes.count >= headerSize, let header = headers.first(where: { $0.magic == word(0) }) {
                guard word(1) == header.version else {
                    throw failure("its header has version \(word(1)); only version \(header.version) is supported")
                }
                (size, start) = (header.size, headerSize)
                guard UInt64(word(2)) * UInt64(size) == UInt64(bytes.count - start) else {
                    throw failure(
                        "truncated or altered: its header says \(word(2)) ids, and it has \((bytes.count - start) / size)"
                    )
                }
            }
            guard bytes.count > start else { throw failure("it is empty") }
            guard (bytes.count - start) % size == 0 else {
                throw failure("its size of \(bytes.count) bytes is not a multiple of 2, the size of an id")
            }
            let count = (bytes.count - start) / size
            // Once as they are read, and once more split into training and validation parts.
            try Files.requireMemory(
                2 * count * MemoryLayout<Int32>.size, "cannot read", path, "its \(count) tokens take")
            let ids = try (0..<count).map { i -> Int32 in
                let offset = start + size * i
                if size == 2 {
                    return Int32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
                }
                let id = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                guard let id = Int32(exactly: id) else {
                    throw failure("\(id) at position \(i) is not a valid token id")
                }
                return id
            }
            return NamedText(name: path, tokens: ids, sha256: SHA256.hexDigest(of: bytes))
        }
    }
}
