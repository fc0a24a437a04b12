import Files

/// A checksum inside the file it covers.
///
/// It is the SHA-256 of the whole file, including the header, with zeros in place of its own 64 digits. These are at the start
/// of the header, at an offset that reader and writer know. Other readers of the format see an entry of the metadata.
enum SafetensorsChecksum {
    static let key = "checksum"
    static let placeholder = "sha256:" + String(repeating: "0", count: digits)

    static let digits = 64

    /// The header up to the digits.
    private static let beginning = #"{"__metadata__":{"checksum":"sha256:"#

    /// The offset of the digits in the file.
    static let offset = 8 + beginning.utf8.count

    /// The digits in a file; `nil` if its header does not begin with a checksum.
    static func find(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard bytes.count >= offset + digits, bytes[8..<offset].elementsEqual(beginning.utf8) else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + digits])
    }
}

extension SafetensorsFile {
    /// Whether the file has a checksum.
    package var hasChecksum: Bool { metadata[SafetensorsChecksum.key] != nil }

    /// Compares the file with its checksum, for which the whole file is read.
    /// - Parameter required: whether a missing checksum is an error, because damage may have removed it.
    /// - Throws: if the checksum does not match, or is missing although required.
    package func verifyChecksum(required: Bool = false) throws(SafetensorsError) {
        guard hasChecksum else {
            if required { throw failure("altered since it was written: its checksum is missing") }
            return
        }
        let matches = withExtendedLifetime(file) {
            guard let digits = SafetensorsChecksum.find(in: file.bytes) else { return false }
            var hash = SHA256()
            hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[..<SafetensorsChecksum.offset]))
            hash.update(repeatElement(UInt8(ascii: "0"), count: SafetensorsChecksum.digits))
            var rest = file.bytes[(SafetensorsChecksum.offset + SafetensorsChecksum.digits)...]
            while !rest.isEmpty {
                let chunk = rest.prefix(1 << 24)
                hash.update(UnsafeRawBufferPointer(rebasing: chunk))
                // Tensors that are converted are copied, so the pages of the file need not stay in memory.
                if isConverted { file.release(chunk.startIndex..<chunk.endIndex) }
                rest = rest.dropFirst(chunk.count)
            }
            return SHA256.hexadecimal(hash.finalize()).utf8.elementsEqual(digits)
        }
        guard matches else {
            throw failure("altered since it was written: its checksum does not match; restore it from a copy")
        }
    }
}
