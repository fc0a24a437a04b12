import Files

/// A message in the encoding of Protocol Buffers, to be written to a file: a sequence of fields, each with a number and a value
/// (https://protobuf.dev/programming-guides/encoding). Large values are not copied, but computed when they are written.
struct ProtobufMessage {
    private enum Part {
        case bytes([UInt8])
        case supplied((_ write: ByteWriter) throws -> Void)
    }

    private var parts: [Part] = []
    private(set) var byteCount = 0

    /// Adds an integer: 7 bits in each byte, the lowest first, and a bit that is set if more bytes follow.
    mutating func add(_ field: Int, _ value: Int) {
        append(Self.varint(field << 3))
        append(Self.varint(value))
    }

    mutating func add(_ field: Int, _ value: Float) {
        append(Self.varint(field << 3 | 5))
        append(withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init))
    }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

    mutating func add(_ field: Int, _ bytes: [UInt8]) {
        beginBytes(field, count: bytes.count)
        append(bytes)
    }

    mutating func add(_ field: Int, _ message: ProtobufMessage) {
        beginBytes(field, count: message.byteCount)
        parts += message.parts
        byteCount += message.byteCount
    }

    /// Adds `count` bytes, with which `supply` calls its argument when the message is written.
    mutating func add(_ field: Int, byteCount count: Int, _ supply: @escaping (_ write: ByteWriter) throws -> Void) {
        beginBytes(field, count: count)
        parts.append(.supplied(supply))
        byteCount += count
    }

    /// Writes the message.
    func write(to writer: FileWriter) throws {
        for part in parts {
            switch part {
            case .bytes(let bytes): try writer.write(bytes)
            case .supplied(let supply): try supply { try writer.write($0) }
            }
        }
    }

    private mutating func beginBytes(_ field: Int, count: Int) {
        append(Self.varint(field << 3 | 2))
        append(Self.varint(count))
    }

    private mutating func append(_ bytes: [UInt8]) {
        byteCount += bytes.count
        if case .bytes(let before) = parts.last {
            parts.removeLast()
            parts.append(.bytes(before + bytes))
        } else {
            parts.append(.bytes(bytes))
        }
    }

    private static func varint(_ value: Int) -> [UInt8] {
        var rest = UInt64(bitPattern: Int64(value)), bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
