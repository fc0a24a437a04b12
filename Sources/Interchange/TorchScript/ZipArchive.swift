import Files
import Platform
import StrictJSON

/// A zip archive as `ZipWriter` writes it, opened by its list of entries; every word of that is checked before any of the
/// bytes are looked at.
///
/// The file is taken for hostile. The entries must follow one another from its beginning to the list with nothing between
/// them, so that none lies in another or outside the file; both headers of each must agree; and nothing may be compressed
/// or encrypted.
package struct ZipArchive: Sendable {
    /// An entry as it lies in the file.
    struct Entry: Sendable {
        let name: String
        let checksum: UInt32
        /// Where its bytes are.
        let range: Range<Int>
    }

    let entries: [Entry]
    private let path: String
    private let file: MappedFile

    /// The entries by name.
    private let numbers: [UTF8Key: Int]

    /// Opens the archive at `path`. Throws one line that says what is wrong with it.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        let mapped = file
        entries = try withExtendedLifetime(mapped) { try ZipDirectory(bytes: mapped.bytes, path: path).entries() }
        var numbers: [UTF8Key: Int] = [:]
        for (number, entry) in entries.enumerated() {
            guard numbers.updateValue(number, forKey: UTF8Key(entry.name)) == nil else {
                throw ModelError(path: path, reason: "two entries have the name \(quoted(entry.name))")
            }
        }
        self.numbers = numbers
    }

    package var names: [String] { entries.map(\.name) }

    /// Throws unless an entry has the name, the length, the checksum and every byte of one that was written.
    package func verify(_ expected: ZipEntry) throws {
        let entry = try entry(expected.name)
        guard entry.range.count == expected.size, entry.checksum == expected.checksum else {
            throw damaged(expected)
        }
        var checksum = CRC32()
        var position = entry.range.lowerBound
        try expected.supply { bytes in
            guard bytes.count <= entry.range.upperBound - position else { throw damaged(expected) }
            // In pieces, each of which is given back at once: a model and its archive need not be in memory together.
            for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
                let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.pieceSize, bytes.count)])
                let range = position..<position + piece.count
                let isSame = withExtendedLifetime(file) {
                    let written = UnsafeRawBufferPointer(rebasing: file.bytes[range])
                    checksum.update(written)
                    return areEqual(piece, written)
                }
                guard isSame else { throw damaged(expected) }
                file.release(range)
                position += piece.count
            }
        }
        guard position == entry.range.upperBound, checksum.value == entry.checksum else { throw damaged(expected) }
    }

    private static let pieceSize = 1 << 20

    /// Where in the file the bytes of an entry are. Throws where there is none of that name.
    package func range(of name: String) throws -> Range<Int> { try entry(name).range }

    private func damaged(_ entry: ZipEntry) -> ModelError {
        ModelError(path: path, reason: "the entry \(quoted(entry.name)) differs from what was written")
    }

    /// The bytes of an entry. Throws where there is none of that name, or it is not what its checksum was taken of.
    package func bytes(of name: String) throws -> [UInt8] {
        let entry = try entry(name)
        return try withExtendedLifetime(file) {
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
            guard CRC32.checksum(of: bytes) == entry.checksum else {
                throw ModelError(path: path, reason: "damaged: the checksum of \(quoted(name)) does not match")
            }
            return Array(bytes)
        }
    }

    private func entry(_ name: String) throws -> Entry {
        guard let number = numbers[UTF8Key(name)] else {
            throw ModelError(path: path, reason: "it has no entry \(quoted(name))")
        }
        return entries[number]
    }
}

/// Whether two buffers of one length hold the same bytes.
private func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return true }
    return memcmp(first, second, a.count) == 0
}

/// The list at the end of an archive.
private struct ZipDirectory {
    let bytes: UnsafeRawBufferPointer
    let path: String

    /// The entries in order, all of them sound.
    func entries() throws -> [ZipArchive.Entry] {
        let (count, range) = try place()
        // A record has at least 46 bytes, so no file can ask for more than it fills.
        guard count <= range.count / 46 else {
            throw failure("its central directory of \(count) entries has \(range.count) bytes")
        }
        var entries: [ZipArchive.Entry] = []
        entries.reserveCapacity(count)
        var position = range.lowerBound
        var free = 0
        for _ in 0..<count {
            let record = try header(
                ZipFormat.directoryRecord, fixed: 46, offset: 6, at: position, before: range.upperBound)
            position = record.end
            let entry = try entry(record, from: free, before: range.lowerBound)
            free = entry.range.upperBound
            entries.append(entry)
        }
        guard position == range.upperBound, free == range.lowerBound else {
            throw failure("its central directory does not end at the expected byte")
        }
        return entries
    }

    /// How many entries there are, and where the list is.
    private func place() throws -> (count: Int, range: Range<Int>) {
        let end = bytes.count - 22
        guard end >= 0, number(end, UInt32.self) == ZipFormat.end, number(end + 20, UInt16.self) == 0 else {
            throw failure("not a zip archive, or truncated: the end record is missing")
        }
        guard number(end + 4, UInt32.self) == 0, number(end + 8, UInt16.self) == number(end + 10, UInt16.self) else {
            throw failure("archives in several parts are not supported")
        }
        var count = Int(number(end + 10, UInt16.self))
        var size = Int(number(end + 12, UInt32.self))
        var start = Int(number(end + 16, UInt32.self))
        var limit = end
        if count == 0xFFFF || size == ZipFormat.saturated || start == ZipFormat.saturated {
            limit = end - 76
            guard limit >= 0, number(end - 20, UInt32.self) == ZipFormat.largeEndLocator,
                number(end - 12, UInt64.self) == UInt64(limit), number(limit, UInt32.self) == ZipFormat.largeEnd,
                number(limit + 4, UInt64.self) == 44, number(limit + 16, UInt64.self) == 0,
                number(limit + 24, UInt64.self) == number(limit + 32, UInt64.self)
            else { throw failure("the end record of its central directory is not valid") }
            // What does not fit is more than the file can hold, and refused below.
            count = Int(clamping: number(limit + 32, UInt64.self))
            size = Int(clamping: number(limit + 40, UInt64.self))
            start = Int(clamping: number(limit + 48, UInt64.self))
        }
        guard start <= limit, size == limit - start else {
            throw failure("its central directory does not end at the expected byte")
        }
        return (count, start..<limit)
    }

    /// An entry by its record in the list, whose own header must lie at `free`.
    private func entry(_ record: Header, from free: Int, before limit: Int) throws -> ZipArchive.Entry {
        guard record.place == free else {
            throw failure("the entry \(quoted(record.name)) does not follow the one before it")
        }
        let local = try header(ZipFormat.localHeader, fixed: 30, offset: 4, at: free, before: limit)
        guard local.name.utf8.elementsEqual(record.name.utf8), local.size == record.size,
            local.checksum == record.checksum
        else { throw failure("the two headers of the entry \(quoted(record.name)) differ") }
        guard record.size <= limit - local.end else {
            throw failure("the entry \(quoted(record.name)) has \(record.size) bytes, more than there are")
        }
        return ZipArchive.Entry(
            name: record.name, checksum: record.checksum, range: local.end..<local.end + record.size)
    }

    /// What both kinds of header say.
    private struct Header {
        var name = ""
        var checksum: UInt32 = 0
        var size = 0
        /// Where the local header is; of a local header nothing.
        var place = 0
        /// Where the header ends.
        var end = 0
    }

    /// Reads a header.
    /// - Parameters:
    ///   - signature: how it begins.
    ///   - fixed: the length of the part before the name.
    ///   - offset: where in it the fields begin that both kinds have.
    ///   - start: where it begins.
    ///   - limit: where it has to end.
    private func header(
        _ signature: UInt32, fixed: Int, offset: Int, at start: Int, before limit: Int
    ) throws -> Header {
        guard start >= 0, start <= limit - fixed, number(start, UInt32.self) == signature else {
            throw failure("its central directory is damaged")
        }
        let fields = start + offset
        var header = Header()
        header.checksum = number(fields + 10, UInt32.self)
        let sizes = [number(fields + 14, UInt32.self), number(fields + 18, UInt32.self)]
        let nameLength = Int(number(fields + 22, UInt16.self))
        let extraLength = Int(number(fields + 24, UInt16.self))
        let isRecord = signature == ZipFormat.directoryRecord
        let commentLength = isRecord ? Int(number(start + 32, UInt16.self)) : 0
        header.end = start + fixed + nameLength + extraLength + commentLength
        guard header.end <= limit else { throw failure("its central directory is damaged") }
        let nameBytes = bytes[start + fixed..<start + fixed + nameLength]
        guard let name = String(validating: nameBytes, as: UTF8.self), !name.isEmpty else {
            throw failure("an entry has a name that is not UTF-8")
        }
        header.name = name
        guard number(fields + 2, UInt16.self) == 0, number(fields + 4, UInt16.self) == 0, sizes[0] == sizes[1] else {
            throw failure("the entry \(quoted(name)) is compressed or encrypted; only stored entries are supported")
        }
        header.size = Int(sizes[0])
        header.place = isRecord ? Int(number(start + 42, UInt32.self)) : 0
        try readLargeNumbers(of: &header, in: start + fixed + nameLength..<header.end - commentLength)
        return header
    }

    /// Replaces the numbers that are saturated by those of the extra field of zip64.
    private func readLargeNumbers(of header: inout Header, in extra: Range<Int>) throws {
        let sizeIsLarge = header.size == ZipFormat.saturated
        let placeIsLarge = header.place == ZipFormat.saturated
        guard sizeIsLarge || placeIsLarge else { return }
        var position = extra.lowerBound
        while position + 4 <= extra.upperBound {
            let length = Int(number(position + 2, UInt16.self))
            guard length <= extra.upperBound - position - 4 else { break }
            if number(position, UInt16.self) == ZipFormat.largeField {
                let expected = (sizeIsLarge ? 16 : 0) + (placeIsLarge ? 8 : 0)
                guard length == expected else { break }
                let numbers = stride(from: position + 4, to: position + 4 + length, by: 8)
                    .map { Int(clamping: number($0, UInt64.self)) }
                if sizeIsLarge {
                    guard numbers[0] == numbers[1] else { break }
                    header.size = numbers[0]
                }
                if placeIsLarge { header.place = numbers[numbers.count - 1] }
                return
            }
            position += 4 + length
        }
        throw failure("the Zip64 sizes of the entry \(quoted(header.name)) are missing")
    }

    /// The number at a place that is known to be in the file.
    private func number<Number: FixedWidthInteger>(_ position: Int, _: Number.Type) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    private func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
}
