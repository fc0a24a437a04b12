/// Reads the fields of a message in the encoding of Protocol Buffers one after another. The bytes are not trusted: every length
/// is checked against the end of the message, and every number against its type.
struct ProtobufReader {
    /// The value of a field.
    enum Value {
        case integer(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A string, bytes, a message or packed numbers: their range in the file.
        case bytes(Range<Int>)
    }

    /// What is wrong with a message.
    struct Problem: Error { let reason: String }

    private let file: UnsafeRawBufferPointer
    private var position: Int
    private let end: Int

    /// - Parameters:
    ///   - file: the bytes of the file.
    ///   - range: the range of the message in it.
    init(_ file: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.file = file
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position == end }

    /// The next field; nil at the end of the message.
    mutating func next() throws(Problem) -> (field: Int, value: Value)? {
        if isAtEnd { return nil }
        let start = position, key = try varint()
        let field = key >> 3
        guard field > 0, field < 1 << 29 else { throw Problem(reason: "there is no valid field at byte \(start)") }
        switch key & 7 {
        case 0: return (Int(field), .integer(try varint()))
        case 1: return (Int(field), .fixed64(try fixed(UInt64.self)))
        case 2:
            let length = try varint()
            guard length <= end - position else { throw Problem(reason: "the field at byte \(start) is truncated") }
            let range = position..<position + Int(length)
            position = range.upperBound
            return (Int(field), .bytes(range))
        case 5: return (Int(field), .fixed32(try fixed(UInt32.self)))
        default: throw Problem(reason: "the field at byte \(start) is of an unknown kind")
        }
    }

    /// Reads an integer of a field, or one of several packed integers.
    mutating func varint() throws(Problem) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard position < end else { throw Problem(reason: "the number at byte \(position) is truncated") }
            let byte = UInt64(file[position])
            position += 1
            if shift == 63, byte > 1 { break }
            value |= (byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Problem(reason: "the number that ends at byte \(position) has more than 64 bits")
    }

    /// Reads a number of fixed size.
    mutating func fixed<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) throws(Problem) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= end - position else { throw Problem(reason: "the number at byte \(position) is truncated") }
        let value = file.loadUnaligned(fromByteOffset: position, as: Number.self)
        position += size
        return Number(littleEndian: value)
    }
}
