import Files

/// A message in Protocol Buffers' encoding, on its way to a file: fields of a number and a value, one after another
/// (https://protobuf.dev/programming-guides/encoding). What is large is not copied but supplied when it is written.
struct ProtobufMessage {
    typealias Supply = (_ piece: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    private enum Piece {
        case bytes([UInt8])
        case supplied(Supply)
    }

    private var pieces: [Piece] = []
    private(set) var byteCount = 0

    /// An integer: 7 bits to a byte, the lowest first, and a bit that says whether more follow.
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
        pieces += message.pieces
        byteCount += message.byteCount
    }

    /// Bytes that are supplied when they are written, in pieces of any size.
    mutating func add(_ field: Int, byteCount count: Int, _ supply: @escaping Supply) {
        beginBytes(field, count: count)
        pieces.append(.supplied(supply))
        byteCount += count
    }

    func write(to writer: FileWriter) throws {
        for piece in pieces {
            switch piece {
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
        if case .bytes(let before) = pieces.last {
            pieces.removeLast()
            pieces.append(.bytes(before + bytes))
        } else {
            pieces.append(.bytes(bytes))
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
