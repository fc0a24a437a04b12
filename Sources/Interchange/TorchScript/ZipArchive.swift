import Files
import Platform
import StrictJSON

/// A zip archive in the form that `ZipWriter` writes, read by its central directory, which is checked completely before any
/// entry is read.
///
/// The file is not trusted. The entries must follow each other from its beginning to the central directory without gaps, so that
/// none overlaps another or is outside the file; the two headers of each must be equal; and no entry may be compressed or
/// encrypted.
package struct ZipArchive: Sendable {
    /// An entry in the file.
    struct Entry: Sendable {
        let name: String
        let checksum: UInt32
        /// Its bytes in the file.
        let range: Range<Int>
    }

    let entries: [Entry]
    private let path: String
    private let file: MappedFile

    /// The indices of the entries by name.
    private let numbers: [UTF8Key: Int]

    /// Opens the archive at `path`.
    /// - Throws: what is wrong with it, in one line.
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

    /// The names of the entries in the order of the file.
    package var names: [String] { entries.map(\.name) }

    /// Throws unless the archive has an entry with the name, the length, the checksum and every byte of one that was written.
    package func verify(_ expected: ZipEntry) throws {
        let entry = try entry(expected.name)
        guard entry.range.count == expected.size, entry.checksum == expected.checksum else {
            throw damaged(expected)
        }
        var checksum = CRC32()
        var position = entry.range.lowerBound
        try expected.supply { bytes in
            guard bytes.count <= entry.range.upperBound - position else { throw damaged(expected) }
            // Each chunk is released at once, so that a model and its archive are not in memory together.
            for start in stride(from: 0, to: bytes.count, by: Self.chunkSize) {
                let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.chunkSize, bytes.count)])
                let range = position..<position + chunk.count
                let isSame = withExtendedLifetime(file) {
                    let written = UnsafeRawBufferPointer(rebasing: file.bytes[range])
                    checksum.update(written)
                    return areEqual(chunk, written)
                }
                guard isSame else { throw damaged(expected) }
                file.release(range)
                position += chunk.count
            }
        }
        guard position == entry.range.upperBound, checksum.value == entry.checksum else { throw damaged(expected) }
    }

    private static let chunkSize = 1 << 20

    /// The range of an entry's bytes in the file.
    /// - Throws: if there is no entry with this name.
    package func range(of name: String) throws -> Range<Int> { try entry(name).range }

    private func damaged(_ entry: ZipEntry) -> ModelError {
        ModelError(path: path, reason: "the entry \(quoted(entry.name)) differs from what was written")
    }

    /// The bytes of an entry.
    /// - Throws: if there is none with this name, or if its checksum does not match.
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

/// The central directory at the end of an archive.
private struct ZipDirectory {
    let bytes: UnsafeRawBufferPointer
    let path: String

    /// The entries in order, after all checks.
    func entries() throws -> [ZipArchive.Entry] {
        let (count, range) = try location()
        // A record has at least 46 bytes, so a file cannot require more memory than its own size.
        guard count <= range.count / 46 else {
            throw failure("its central directory of \(count) entries has \(range.count) bytes")
        }
        var entries: [ZipArchive.Entry] = []
        entries.reserveCapacity(count)
        var position = range.lowerBound
        var end = 0
        for _ in 0..<count {
            let record = try header(
                ZipFormat.directoryRecord, fixed: 46, offset: 6, at: position, before: range.upperBound)
            position = record.end
            let entry = try entry(record, from: end, before: range.lowerBound)
            end = entry.range.upperBound
            entries.append(entry)
        }
        guard position == range.upperBound, end == range.lowerBound else {
            throw failure("its central directory does not end at the expected byte")
        }
        return entries
    }

    /// The number of entries, and the range of the central directory.
    private func location() throws -> (count: Int, range: Range<Int>) {
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
            // A number that does not fit in an `Int` is greater than the file, which is an error below.
            count = Int(clamping: number(limit + 32, UInt64.self))
            size = Int(clamping: number(limit + 40, UInt64.self))
            start = Int(clamping: number(limit + 48, UInt64.self))
        }
        guard start <= limit, size == limit - start else {
            throw failure("its central directory does not end at the expected byte")
        }
        return (count, start..<limit)
    }

    /// The entry with a record in the central directory, whose local header must be at `start`.
    private func entry(_ record: Header, from start: Int, before limit: Int) throws -> ZipArchive.Entry {
        guard record.offset == start else {
            throw failure("the entry \(quoted(record.name)) does not follow the one before it")
        }
        let local = try header(ZipFormat.localHeader, fixed: 30, offset: 4, at: start, before: limit)
        guard local.name.utf8.elementsEqual(record.name.utf8), local.size == record.size,
            local.checksum == record.checksum
        else { throw failure("the two headers of the entry \(quoted(record.name)) differ") }
        guard record.size <= limit - local.end else {
            throw failure("the entry \(quoted(record.name)) has \(record.size) bytes, more than there are")
        }
        return ZipArchive.Entry(
            name: record.name, checksum: record.checksum, range: local.end..<local.end + record.size)
    }

    /// The contents of both kinds of headers.
    private struct Header {
        var name = ""
        var checksum: UInt32 = 0
        var size = 0
        /// The position of the local header, in a record of the central directory.
        var offset = 0
        /// The end of this header.
        var end = 0
    }

    /// Reads a header.
    /// - Parameters:
    ///   - signature: its first bytes.
    ///   - fixed: the length of the part before the name.
    ///   - offset: the position of the fields that both kinds have, from its start.
    ///   - start: its start.
    ///   - limit: the position that it must not exceed.
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
        header.offset = isRecord ? Int(number(start + 42, UInt32.self)) : 0
        try readLargeNumbers(of: &header, in: start + fixed + nameLength..<header.end - commentLength)
        return header
    }

    /// Replaces saturated numbers by those of the Zip64 extra field.
    private func readLargeNumbers(of header: inout Header, in extra: Range<Int>) throws {
        let sizeIsLarge = header.size == ZipFormat.saturated
        let offsetIsLarge = header.offset == ZipFormat.saturated
        guard sizeIsLarge || offsetIsLarge else { return }
        var position = extra.lowerBound
        while position + 4 <= extra.upperBound {
            let length = Int(number(position + 2, UInt16.self))
            guard length <= extra.upperBound - position - 4 else { break }
            if number(position, UInt16.self) == ZipFormat.largeField {
                let expected = (sizeIsLarge ? 16 : 0) + (offsetIsLarge ? 8 : 0)
                guard length == expected else { break }
                let numbers = stride(from: position + 4, to: position + 4 + length, by: 8)
                    .map { Int(clamping: number($0, UInt64.self)) }
                if sizeIsLarge {
                    guard numbers[0] == numbers[1] else { break }
                    header.size = numbers[0]
                }
                if offsetIsLarge { header.offset = numbers[numbers.count - 1] }
                return
            }
            position += 4 + length
        }
        throw failure("the Zip64 sizes of the entry \(quoted(header.name)) are missing")
    }

    /// The number at a position that is known to be in the file.
    private func number<Number: FixedWidthInteger>(_ position: Int, _: Number.Type) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    private func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
}
