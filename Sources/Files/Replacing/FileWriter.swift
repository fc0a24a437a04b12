/// A buffered writer to an open file. Errors, such as a full disk, are thrown.
package final class FileWriter {
    /// The file's descriptor. The writer does not close it.
    package let descriptor: Int32

    /// The name of the file in errors.
    private let path: String
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 18

    /// How many bytes have been written, buffered ones included.
    package private(set) var position = 0

    package init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        buffer.reserveCapacity(Self.bufferSize)
    }

    /// Appends bytes. Large buffers are written directly, without a copy.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        position += bytes.count
        if buffer.count + bytes.count <= Self.bufferSize {
            buffer.append(contentsOf: bytes)
        } else {
            try flush()
            if bytes.count < Self.bufferSize {
                buffer.append(contentsOf: bytes)
            } else {
                try writeThrough(bytes)
            }
        }
    }

    package func write(_ bytes: [UInt8]) throws(FileError) {
        let result = bytes.withUnsafeBytes { bytes in Result { () throws(FileError) in try write(bytes) } }
        try result.get()
    }

    package func write(_ text: String) throws(FileError) { try write(Array(text.utf8)) }

    /// Replaces bytes already written, from `offset` on: for values known only at the end, such as a checksum.
    package func patch(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        precondition(offset >= 0 && offset + bytes.count <= position, "patching beyond what was written")
        try flush()
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try writeThrough(bytes, at: offset) }
        }
        try result.get()
    }

    /// Writes the buffered bytes to the file.
    package func flush() throws(FileError) {
        let result = buffer.withUnsafeBytes { bytes in Result { () throws(FileError) in try writeThrough(bytes) } }
        buffer.removeAll(keepingCapacity: true)
        try result.get()
    }

    /// Writes all of `bytes` without the buffer, at `offset` or at the end.
    private func writeThrough(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = systemWrite(descriptor, rest, at: offset.map { $0 + done })
            guard count > 0 else { throw FileError("cannot write", path) }
            done += count
        }
    }
}
