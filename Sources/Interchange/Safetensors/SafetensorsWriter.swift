import Files
import StrictJSON

/// A tensor to be written to a safetensors file.
package typealias SafetensorsTensor = TensorToWrite<SafetensorsType>

extension SafetensorsTensor {
    /// A tensor at an address that stays valid until it is written.
    package init(name: String, dtype: SafetensorsType = .float32, shape: [Int], bytes: UnsafeRawBufferPointer) {
        self.init(name: name, dtype: dtype, shape: shape) { write in try write(bytes) }
    }

    /// A tensor of single-precision numbers.
    package init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dtype: .float32, shape: shape) { write in try floats.withUnsafeBytes(write) }
    }

    /// A tensor of integers.
    package init(name: String, shape: [Int], integers: [Int64]) {
        self.init(name: name, dtype: .int64, shape: shape) { write in try integers.withUnsafeBytes(write) }
    }
}

/// Writes safetensors files, which replace older ones in one piece (`AtomicFile`).
package enum SafetensorsWriter {
    /// Writes `tensors` in the order given, and `metadata` by the order of its keys.
    ///
    /// The bytes go from where they are to the file; no second copy of the weights is made. With `checksum`, the
    /// metadata begin with `"checksum": "sha256:..."`, which `SafetensorsFile.verifyChecksum` holds the file against.
    ///
    /// A `checksum` among `metadata` itself is left out, for it would be that of another file.
    ///
    /// Throws where names repeat, where a tensor supplies other bytes than its shape asks for, or where the file cannot
    /// be written; then an older file stays.
    package static func write(
        to path: String, metadata: [String: String] = [:], tensors: [SafetensorsTensor], checksum: Bool = false
    ) throws {
        let header = try header(path: path, metadata: metadata, tensors: tensors, checksum: checksum)
        try AtomicFile.replace(at: path) { writer in
            var hash = SHA256()
            func write(_ bytes: UnsafeRawBufferPointer) throws {
                if checksum { hash.update(bytes) }
                try writer.write(bytes)
            }

            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try write($0) }
            try header.withUnsafeBytes { try write($0) }
            for tensor in tensors {
                try tensor.write(write) { SafetensorsError(path: path, reason: $0) }
            }
            if checksum {
                try writer.patch(Array(SHA256.hexadecimal(hash.finalize()).utf8), at: SafetensorsChecksum.offset)
            }
        }
    }

    private static func header(
        path: String, metadata: [String: String], tensors: [SafetensorsTensor], checksum: Bool
    ) throws(SafetensorsError) -> [UInt8] {
        func failure(_ reason: String) -> SafetensorsError { SafetensorsError(path: path, reason: reason) }

        var notes = JSONObject()
        if checksum { notes[SafetensorsChecksum.key] = .string(SafetensorsChecksum.placeholder) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != SafetensorsChecksum.key {
            notes[key] = .string(value)
        }
        var header = JSONObject()
        if !notes.isEmpty { header["__metadata__"] = .object(notes) }

        var position = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__", header[tensor.name] == nil else {
                throw failure("two tensors would have the name \(quoted(tensor.name))")
            }
            guard let size = tensor.byteCount,
                case let (end, overflow) = position.addingReportingOverflow(size), !overflow
            else { throw failure("the tensor \(quoted(tensor.name)) has the impossible shape \(tensor.shape)") }
            header[tensor.name] = [
                "dtype": .string(tensor.dtype.rawValue), "shape": .array(tensor.shape.map(JSON.int)),
                "data_offsets": [.int(position), .int(end)],
            ]
            position = end
        }

        // Spaces let the numbers, after the header and its length of 8 bytes, begin where a cache line does: then they can
        // be computed with where they are.
        var bytes = Array(JSON.object(header).serialized().utf8)
        while (8 + bytes.count) % 64 != 0 { bytes.append(UInt8(ascii: " ")) }
        guard bytes.count <= SafetensorsFile.greatestHeader else {
            throw failure("its header would have \(bytes.count) bytes, more than the format allows")
        }
        return bytes
    }
}
