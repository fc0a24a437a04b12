/// The constants of the format that writer and reader share.
enum ZipFormat {
    static let localHeader: UInt32 = 0x0403_4B50
    static let directoryRecord: UInt32 = 0x0201_4B50
    static let end: UInt32 = 0x0605_4B50
    static let largeEnd: UInt32 = 0x0606_4B50
    static let largeEndLocator: UInt32 = 0x0706_4B50

    /// The version needed to extract: 2.0, and 4.5 with Zip64 fields.
    static let version: UInt16 = 20
    static let versionOfLarge: UInt16 = 45

    /// 1 January 1980, the first day that can be represented.
    static let firstDay: UInt16 = 0x21

    /// The identifiers of extra fields: that of Zip64, and "FB" for padding.
    static let largeField: UInt16 = 1
    static let paddingField: UInt16 = 0x4246

    /// The value of a 32-bit field whose number is in the Zip64 extra field.
    static let saturated = 0xFFFF_FFFF

    /// The Zip64 extra field, with numbers that do not fit into 32 bits.
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
