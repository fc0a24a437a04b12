import Files

/// An entry of a zip archive that is to be written: what stands in its headers is known before its bytes are needed, so that
/// they go from where they are to the file.
package struct ZipEntry: Sendable {
    package let name: String
    package let size: Int
    /// The CRC-32 of the bytes.
    let checksum: UInt32

    /// Passes the bytes on, in pieces of any size.
    let supply: @Sendable (_ piece: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    package init(
        name: String, size: Int, checksum: UInt32,
        supply: @escaping @Sendable (_ piece: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.size = size
        self.checksum = checksum
        self.supply = supply
    }

    /// An entry of bytes in memory.
    package init(name: String, bytes: [UInt8]) {
        self.init(name: name, size: bytes.count, checksum: bytes.withUnsafeBytes(CRC32.checksum)) { piece in
            try bytes.withUnsafeBytes(piece)
        }
    }
}

/// Writes a zip archive as PyTorch does (APPNOTE.TXT 6.3.10, PKWARE 2022): every entry is stored as it is and begins at a
/// multiple of 64 bytes, so that numbers can be used where they are in a mapped file. Sizes and places beyond 32 bits are
/// in the fields of zip64.
package struct ZipWriter {
    private let writer: FileWriter
    private var directory: [UInt8] = []
    private var count = 0

    /// Writes from where `writer` stands, which must be its beginning.
    package init(_ writer: FileWriter) { self.writer = writer }

    /// Appends an entry.
    /// - Returns: whether it supplied the bytes that it has the length and the checksum of.
    package mutating func append(_ entry: ZipEntry) throws -> Bool {
        let place = writer.position
        try writer.write(Self.localHeader(entry, at: place))
        let start = writer.position
        var checksum = CRC32()
        try entry.supply { piece in
            checksum.update(piece)
            try writer.write(piece)
        }
        directory += Self.directoryRecord(entry, at: place)
        count += 1
        return writer.position - start == entry.size && checksum.value == entry.checksum
    }

    /// Writes the list of the entries, with which an archive ends.
    package func finish() throws {
        let place = writer.position
        try writer.write(directory)
        try writer.write(Self.end(count: count, directorySize: directory.count, at: place))
    }

    // MARK: - Headers

    /// The multiple at which the bytes of every entry begin.
    package static let alignment = 64

    /// What stands before the bytes of an entry whose header begins at `place`.
    package static func localHeader(_ entry: ZipEntry, at place: Int) -> [UInt8] {
        let isLarge = entry.size >= ZipFormat.saturated
        var extra: [UInt8] = []
        if isLarge { extra = ZipFormat.largeField([entry.size, entry.size]) }
        // A field that readers skip, with the name that PyTorch gives it.
        let fixed = place + 30 + entry.name.utf8.count + extra.count + 4
        let padding = (alignment - fixed % alignment) % alignment
        extra.append(littleEndian: ZipFormat.paddingField)
        extra.append(littleEndian: UInt16(padding))
        extra += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)

        var header: [UInt8] = []
        header.append(littleEndian: ZipFormat.localHeader)
        header += common(entry, isLarge: isLarge, extra: extra)
        return header + entry.name.utf8 + extra
    }

    /// What the list of entries says of one whose header begins at `place`.
    package static func directoryRecord(_ entry: ZipEntry, at place: Int) -> [UInt8] {
        let isLarge = entry.size >= ZipFormat.saturated
        let isFar = place >= ZipFormat.saturated
        var extra: [UInt8] = []
        if isLarge || isFar {
            extra = ZipFormat.largeField((isLarge ? [entry.size, entry.size] : []) + (isFar ? [place] : []))
        }
        var record: [UInt8] = []
        record.append(littleEndian: ZipFormat.directoryRecord)
        record.append(littleEndian: ZipFormat.versionOfLarge)  // made by
        record += common(entry, isLarge: isLarge || isFar, sizeIsLarge: isLarge, extra: extra)
        record += [UInt8](repeating: 0, count: 10)  // comment, disk, attributes
        record.append(littleEndian: UInt32(clamping: place))
        return record + entry.name.utf8 + extra
    }

    /// The fields that both kinds of header have.
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

    /// What stands behind the list of entries, which begins at `place`.
    package static func end(count: Int, directorySize: Int, at place: Int) -> [UInt8] {
        var end: [UInt8] = []
        if count >= 0xFFFF || directorySize >= ZipFormat.saturated || place >= ZipFormat.saturated {
            end.append(littleEndian: ZipFormat.largeEnd)
            end.append(littleEndian: UInt64(44))  // the size of what follows of it
            for _ in 0..<2 { end.append(littleEndian: ZipFormat.versionOfLarge) }
            for _ in 0..<2 { end.append(littleEndian: UInt32(0)) }  // disks
            for _ in 0..<2 { end.append(littleEndian: UInt64(count)) }
            end.append(littleEndian: UInt64(directorySize))
            end.append(littleEndian: UInt64(place))
            end.append(littleEndian: ZipFormat.largeEndLocator)
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: UInt64(place + directorySize))
            end.append(littleEndian: UInt32(1))
        }
        end.append(littleEndian: ZipFormat.end)
        for _ in 0..<2 { end.append(littleEndian: UInt16(0)) }  // disks
        for _ in 0..<2 { end.append(littleEndian: UInt16(clamping: count)) }
        end.append(littleEndian: UInt32(clamping: directorySize))
        end.append(littleEndian: UInt32(clamping: place))
        end.append(littleEndian: UInt16(0))  // comment
        return end
    }
}

/// The numbers of the format that writer and reader share.
enum ZipFormat {
    static let localHeader: UInt32 = 0x0403_4B50
    static let directoryRecord: UInt32 = 0x0201_4B50
    static let end: UInt32 = 0x0605_4B50
    static let largeEnd: UInt32 = 0x0606_4B50
    static let largeEndLocator: UInt32 = 0x0706_4B50

    /// 2.0, and 4.5 for what is in fields of zip64.
    static let version: UInt16 = 20
    static let versionOfLarge: UInt16 = 45

    /// 1 January 1980, the first day there is.
    static let firstDay: UInt16 = 0x21

    /// The identifiers of extra fields: that of zip64, and "FB".
    static let largeField: UInt16 = 1
    static let paddingField: UInt16 = 0x4246

    /// A field of 32 bits that has this value says that the number is in the field of zip64.
    static let saturated = 0xFFFF_FFFF

    /// The extra field with numbers that do not fit into 32 bits.
    static func largeField(_ numbers: [Int]) -> [UInt8] {
        var field: [UInt8] = []
        field.append(littleEndian: largeField)
        field.append(littleEndian: UInt16(8 * numbers.count))
        for number in numbers { field.append(littleEndian: UInt64(number)) }
        return field
    }
}

extension [UInt8] {
    /// Appends the bytes of an integer, the lowest first.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
