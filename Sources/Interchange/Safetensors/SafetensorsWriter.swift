import Files
import StrictJSON

/// Writes safetensors files, each of which replaces an older one atomically (`AtomicFile`).
package enum SafetensorsWriter {
    /// Writes a file. The weights are written from where they are in memory, without another copy of all.
    /// - Parameters:
    ///   - path: the file.
    ///   - metadata: written in the order of its keys. A key `checksum` is omitted, because it would be that of another file.
    ///   - tensors: written in this order.
    ///   - checksum: whether the metadata begin with `"checksum": "sha256:..."` (see `SafetensorsFile.verifyChecksum`).
    /// - Throws: if two tensors have the same name, if one writes more or fewer bytes than its shape has, or if the file cannot
    ///   be written. An older file is kept then.
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

        // Spaces align the numbers, after the header and its length of 8 bytes, with cache lines, so that they can be used in
        // place.
        var bytes = Array(JSON.object(header).serialized().utf8)
        while (8 + bytes.count) % 64 != 0 { bytes.append(UInt8(ascii: " ")) }
        guard bytes.count <= SafetensorsFile.greatestHeader else {
            throw failure("its header would have \(bytes.count) bytes, more than the format allows")
        }
        return bytes
    }
}
