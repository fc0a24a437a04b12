import Files

/// An entry of a zip archive to be written. The contents of its headers are known before its bytes are needed, so the bytes are
/// written from where they are in memory.
package struct ZipEntry: Sendable {
    /// The name in the archive.
    package let name: String
    /// The number of bytes.
    package let size: Int
    /// The CRC-32 of the bytes.
    let checksum: UInt32

    /// Calls its argument with the bytes, in buffers of any size.
    let supply: @Sendable (_ write: ByteWriter) throws -> Void

    package init(
        name: String, size: Int, checksum: UInt32,
        supply: @escaping @Sendable (_ write: ByteWriter) throws -> Void
    ) {
        self.name = name
        self.size = size
        self.checksum = checksum
        self.supply = supply
    }

    /// An entry of bytes in memory.
    package init(name: String, bytes: [UInt8]) {
        self.init(name: name, size: bytes.count, checksum: bytes.withUnsafeBytes(CRC32.checksum)) { write in
            try bytes.withUnsafeBytes(write)
        }
    }
}
