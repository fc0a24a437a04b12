import Files

/// Writes a zip archive as PyTorch does (APPNOTE.TXT 6.3.10, PKWARE 2022): every entry is stored without compression and begins
/// at a multiple of 64 bytes, so that numbers can be used in place in a mapped file. Sizes and positions of more than 32 bits are
/// in Zip64 fields.
package struct ZipWriter {
    private let writer: FileWriter
    private var directory: [UInt8] = []
    private var count = 0

    /// Writes to `writer`, which must be at the beginning of its file.
    package init(_ writer: FileWriter) { self.writer = writer }

    /// Appends an entry.
    /// - Returns: whether its bytes have the size and the checksum in its headers.
    package mutating func append(_ entry: ZipEntry) throws -> Bool {
        let position = writer.position
        try writer.write(Self.localHeader(entry, at: position))
        let start = writer.position
        var checksum = CRC32()
        try entry.supply { bytes in
            checksum.update(bytes)
            try writer.write(bytes)
        }
        directory += Self.directoryRecord(entry, at: position)
        count += 1
        return writer.position - start == entry.size && checksum.value == entry.checksum
    }

    /// Writes the central directory, with which an archive ends.
    package func finish() throws {
        let position = writer.position
        try writer.write(directory)
        try writer.write(Self.end(count: count, directorySize: directory.count, at: position))
    }

    // MARK: - Headers

    /// The alignment of the bytes of every entry.
    package static let alignment = 64

    /// The local header of an entry at `position`.
    package static func localHeader(_ entry: ZipEntry, at position: Int) -> [UInt8] {
        let isLarge = entry.size >= ZipFormat.saturated
        var extra: [UInt8] = []
        if isLarge { extra = ZipFormat.largeField([entry.size, entry.size]) }
        // An extra field for padding, with the identifier that PyTorch uses.
        let fixed = position + 30 + entry.name.utf8.count + extra.count + 4
        let padding = (alignment - fixed % alignment) % alignment
        extra.append(littleEndian: ZipFormat.paddingField)
        extra.append(littleEndian: UInt16(padding))
        extra += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)

        var header: [UInt8] = []
        header.append(littleEndian: ZipFormat.localHeader)
        header += common(entry, isLarge: isLarge, extra: extra)
        return header + entry.name.utf8 + extra
    }

    /// The record in the central directory of an entry whose local header is at `position`.
    package static func directoryRecord(_ entry: ZipEntry, at position: Int) -> [UInt8] {
        let isLarge = entry.size >= ZipFormat.saturated
        let isFar = position >= ZipFormat.saturated
        var extra: [UInt8] = []
        if isLarge || isFar {
            extra = ZipFormat.largeField((isLarge ? [entry.size, entry.size] : []) + (isFar ? [position] : []))
        }
        var record: [UInt8] = []
        record.append(littleEndian: ZipFormat.directoryRecord)
        record.append(littleEndian: ZipFormat.versionOfLarge)  // made by
        record += common(entry, isLarge: isLarge || isFar, sizeIsLarge: isLarge, extra: extra)
        record += [UInt8](repeating: 0, count: 10)  // comment, disk, attributes
        record.append(littleEndian: UInt32(clamping: position))
        return record + entry.name.utf8 + extra
    }

    /// The fields that both kinds of headers have.
    private static func common(
        _ entry: ZipEntry, isLarge: Bool, sizeIsLarge: Bool? = nil, extra: [UInt8]
    ) -> [UInt8] {
        var fields: [UInt8] = []
        fields.append(littleEndian: isLarge ? ZipFormat.versionOfLarge : ZipFormat.version)
        fields.append(littleEndian: UInt16(0))  // flags
        fields.append(littleEndian: UInt16(0))  // stored
        fields.append(littleEndian: UInt16(0))  // midnight
        fields.append(littleEndian: ZipFormat.firstDay)
        fields.append(littleEndian: entry.checksum)
        for _ in 0..<2 { fields.append(littleEndian: UInt32(clamping: entry.size)) }
        fields.append(littleEndian: UInt16(entry.name.utf8.count))
        fields.append(littleEndian: UInt16(extra.count))
        return fields
    }

    /// The end records after the central directory, which begins at `position`.
    package static func end(count: Int, directorySize: Int, at position: Int) -> [UInt8] {
        var end: [UInt8] = []
        if count >= 0xFFFF || directorySize >= ZipFormat.saturated || position >= ZipFormat.saturated {
            end.append(littleEndian: ZipFormat.largeEnd)
            end.append(littleEndian: UInt64(44))  // the size of the rest of this record
            for _ in 0..<2 { end.append(littleEndian: ZipFormat.versionOfLarge) }
            for _ in 0..<2 { end.append(littleEndian: UInt32(0)) }  // disks
            for _ in 0..<2 { end.append(littleEndian: UInt64(count)) }
            end.append(littleEndian: UInt64(directorySize))
            end.append(littleEndian: UInt64(position))
            end.append(littleEndian: ZipFormat.largeEndLocator)
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: UInt64(position + directorySize))
            end.append(littleEndian: UInt32(1))
        }
        end.append(littleEndian: ZipFormat.end)
        for _ in 0..<2 { end.append(littleEndian: UInt16(0)) }  // disks
        for _ in 0..<2 { end.append(littleEndian: UInt16(clamping: count)) }
        end.append(littleEndian: UInt32(clamping: directorySize))
        end.append(littleEndian: UInt32(clamping: position))
        end.append(littleEndian: UInt16(0))  // comment
        return end
    }
}
