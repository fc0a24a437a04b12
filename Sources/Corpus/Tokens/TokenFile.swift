import Files

/// A memory-mapped file of token ids, which ends in `.bin`.
///
/// - nanoGPT's: 16-bit unsigned ids and nothing else.
/// - llm.c's: a header of 256 32-bit integers, then the ids. The first integer is 20240520 for 16-bit ids or 20240801 for
///   32-bit ids, the second is the version, and the third is the number of ids.
///
/// All little-endian. The file does not record the tokenizer.
package final class TokenFile: Sendable {
    package static let headerSize = 1024
    /// The first and second numbers of known headers, and the size of an id in bytes.
    static let headers: [(magic: UInt32, version: UInt32, size: Int)] = [
        (20_240_520, 1, 2), (20_240_801, 7, 4),
    ]

    /// Whether a file is one of token ids, by its name.
    static func isOne(_ path: String) -> Bool { path.hasSuffix(".bin") }

    fileprivate let file: MappedFile
    /// Where the ids begin.
    fileprivate let start: Int
    /// The size of an id in bytes.
    fileprivate let size: Int
    /// The number of ids.
    package let count: Int

    /// Opens a file and checks its length, not its ids.
    /// - Throws: one line if it cannot be read, is empty or is truncated.
    package init(_ path: String) throws {
        let file = try MappedFile(path: path)
        let bytes = file.bytes
        func failure(_ reason: String) -> CorpusError { CorpusError("\(shown(path: path)): \(reason)") }
        func word(_ number: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * number, as: UInt32.self))
        }
        var size = 2, start = 0
        if bytes.count >= Self.headerSize, let header = Self.headers.first(where: { $0.magic == word(0) }) {
            guard word(1) == header.version else {
                throw failure("its header has version \(word(1)); only version \(header.version) is supported")
            }
            (size, start) = (header.size, Self.headerSize)
            guard UInt64(word(2)) * UInt64(size) == UInt64(bytes.count - start) else {
                throw failure(
                    "truncated or altered: its header says \(word(2)) ids, and it has \((bytes.count - start) / size)")
            }
        }
        guard bytes.count > start else { throw failure("it is empty") }
        guard (bytes.count - start) % size == 0 else {
            throw failure("its size of \(bytes.count) bytes is not a multiple of 2, the size of an id")
        }
        self.file = file
        self.start = start
        self.size = size
        count = (bytes.count - start) / size
    }

    /// The id at a position. A number that is no id is negative or beyond the vocabulary.
    subscript(position: Int) -> Int32 {
        let offset = start + size * position
        return size == 2
            ? Int32(UInt16(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            : Int32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }

    /// Copies consecutive ids to the beginning of a buffer.
    func copy(_ range: Range<Int>, to buffer: UnsafeMutableBufferPointer<Int32>) {
        guard let base = file.bytes.baseAddress, let target = buffer.baseAddress else { return }
        let source = base + start + size * range.lowerBound
        if size == 2 {
            for i in 0..<range.count {
                let id = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
                (target + i).initialize(to: Int32(id))
            }
        } else {
            for i in 0..<range.count {
                let id = Int32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
                (target + i).initialize(to: id)
            }
        }
        file.releaseSurroundings(of: start + size * range.lowerBound..<start + size * range.upperBound)
    }

    /// Releases the memory of the ids that were read last below a position, or of all ids if the position is nil.
    func release(upTo position: Int?) {
        guard let position else { return file.release(0..<file.bytes.count) }
        let end = start + size * position
        file.release(max(0, end - 1 << 24)..<end)
    }
}

extension TokenFile {
    /// The first id that is not below a bound; nil if all are.
    func firstID(notBelow bound: Int) -> UInt32? {
        if size == 2, bound > Int(UInt16.max) { return nil }
        let length = 1 << 21
        for first in stride(from: 0, to: count, by: length) {
            let range = first..<min(first + length, count)
            var largest: UInt32 = 0
            if let base = file.bytes.baseAddress.map({ $0 + start }) {
                if size == 2 {
                    var most: UInt16 = 0
                    for i in range {
                        most = max(
                            most, UInt16(littleEndian: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
                    }
                    largest = UInt32(most)
                } else {
                    for i in range {
                        largest = max(
                            largest, UInt32(littleEndian: base.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)))
                    }
                }
            }
            release(upTo: range.upperBound)
            if Int(largest) >= bound { return largest }
        }
        return nil
    }
}
