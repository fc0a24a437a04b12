import Files

/// A checksum inside the file it covers.
///
/// It is the SHA-256 of the whole file, header included, with zeros in place of its own 64 digits. They stand at the
/// very start of the header, so that reader and writer know the place without looking for it. To every other reader of
/// the format it is one more line of metadata.
enum SafetensorsChecksum {
    static let key = "checksum"
    static let placeholder = "sha256:" + String(repeating: "0", count: digits)

    static let digits = 64

    /// What stands before the digits, from the start of the header on.
    private static let beginning = #"{"__metadata__":{"checksum":"sha256:"#

    /// Where the digits stand in the file.
    static let offset = 8 + beginning.utf8.count

    /// The digits in a file; `nil` where it does not begin as ours do.
    static func find(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard bytes.count >= offset + digits, bytes[8..<offset].elementsEqual(beginning.utf8) else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + digits])
    }
}

extension SafetensorsFile {
    /// Whether the file carries a checksum.
    package var hasChecksum: Bool { metadata[SafetensorsChecksum.key] != nil }

    /// Throws where the file carries a checksum and is not what was written with it, and where it carries none though
    /// one is `required`: damage may have hit the very word. Reads the whole file.
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
                let piece = rest.prefix(1 << 24)
                hash.update(UnsafeRawBufferPointer(rebasing: piece))
                // What is copied from the file need not stay in memory beside the copy.
                if isConverted { file.release(piece.startIndex..<piece.endIndex) }
                rest = rest.dropFirst(piece.count)
            }
            return SHA256.hexadecimal(hash.finalize()).utf8.elementsEqual(digits)
        }
        guard matches else {
            throw failure("altered since it was written: its checksum does not match; restore it from a copy")
        }
    }
}
