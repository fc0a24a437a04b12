import Files

/// The value of a key to be written.
package enum GGUFWrittenValue: Sendable {
    case uint32(Int)
    case float32(Double)
    case bool(Bool)
    case string(String)
    case strings([String])
    case int32s([Int32])
}

/// A tensor to be written to a GGUF file.
package typealias GGUFTensor = TensorToWrite<NumberEncoding>

/// Writes GGUF files of version 3, with keys and tensors in the given order.
package enum GGUFWriter {
    /// Writes to an open file from its start on. The weights are written from where they are in memory, without a copy of all.
    /// - Throws: if a name occurs twice or is too long, if a tensor writes more or fewer bytes than its shape has, or if the
    ///   file cannot be written.
    package static func write(
        _ keys: [(String, GGUFWrittenValue)], _ tensors: [GGUFTensor], to writer: FileWriter, path: String
    ) throws {
        let alignment = GGUFHeader.defaultAlignment
        try writer.write(header(keys, tensors, path: path))
        for tensor in tensors {
            try pad(writer, to: alignment)
            try tensor.write {
                try writer.write($0)
            } orThrow: {
                ModelError(path: path, reason: $0)
            }
        }
        try pad(writer, to: alignment)
    }

    private static func pad(_ writer: FileWriter, to alignment: Int) throws {
        try writer.write([UInt8](repeating: 0, count: (alignment - writer.position % alignment) % alignment))
    }

    private static func header(
        _ keys: [(String, GGUFWrittenValue)], _ tensors: [GGUFTensor], path: String
    ) throws -> [UInt8] {
        var header = GGUFHeader.magic
        header.append(GGUFHeader.version)
        header.append(UInt64(tensors.count))
        header.append(UInt64(keys.count))
        for (key, value) in keys {
            header.append(string: key)
            header.append(value)
        }
        var names = Set<String>()
        var offset = 0
        for tensor in tensors {
            guard tensor.name.utf8.count <= GGUFHeader.greatestName, names.insert(tensor.name).inserted else {
                throw ModelError(
                    path: path, reason: "the tensor \(quoted(tensor.name)) has a name that is too long or occurs twice")
            }
            header.append(string: tensor.name)
            header.append(UInt32(tensor.shape.count))
            for dimension in tensor.shape.reversed() { header.append(UInt64(dimension)) }
            header.append(GGUFType.number(tensor.dtype))
            header.append(UInt64(offset))
            guard let size = tensor.byteCount, let end = aligned(offset + size, to: GGUFHeader.defaultAlignment) else {
                throw ModelError(
                    path: path, reason: "the tensor \(quoted(tensor.name)) has the impossible shape \(tensor.shape)")
            }
            offset = end
        }
        return header
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ integer: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: integer.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(string: String) {
        append(UInt64(string.utf8.count))
        append(contentsOf: string.utf8)
    }

    /// Appends the type of a value and the value.
    fileprivate mutating func append(_ value: GGUFWrittenValue) {
        func type(_ type: GGUFValueType) { append(type.rawValue) }
        switch value {
        case .uint32(let value):
            type(.uint32)
            append(UInt32(clamping: value))
        case .float32(let value):
            type(.float32)
            append(Float(value).bitPattern)
        case .bool(let value):
            type(.bool)
            append(UInt8(value ? 1 : 0))
        case .string(let value):
            type(.string)
            append(string: value)
        case .strings(let values):
            type(.array)
            type(.string)
            append(UInt64(values.count))
            for value in values { append(string: value) }
        case .int32s(let values):
            type(.array)
            type(.int32)
            append(UInt64(values.count))
            for value in values { append(value) }
        }
    }
}
