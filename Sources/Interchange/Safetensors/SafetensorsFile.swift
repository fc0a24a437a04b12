import Files
import StrictJSON

/// A file of named tensors in the format of Hugging Face's safetensors: the length of a header (8 bytes, little-endian), the
/// header in JSON with the type, shape and position of each tensor, and the numbers.
///
/// The file is not trusted. Its header has at most 100,000,000 bytes. The tensors follow each other from the first byte after
/// the header to the last of the file, without gaps or overlaps, and each has exactly the bytes of its shape and type. So later
/// reads are always within the file, and a file cannot require more memory than its own size. The numbers need not be aligned.
package final class SafetensorsFile: Sendable {
    /// A tensor in the file.
    package struct Entry: Sendable {
        /// The type of its numbers.
        package let dtype: SafetensorsType
        /// The outermost dimension first.
        package let shape: [Int]

        /// Its bytes in the file.
        let range: Range<Int>

        /// The number of its elements.
        package var count: Int { range.count / dtype.size }
    }

    /// The path that the file was opened by.
    package let path: String

    /// The names of the tensors in the order of the header.
    package let names: [String]

    /// The metadata of the header.
    package let metadata: [String: String]

    let file: MappedFile
    let dataStart: Int
    private let entries: [UTF8Key: Entry]

    /// The maximum size of a header in bytes.
    static let greatestHeader = 100_000_000

    /// Opens the file at `path` and checks its header.
    /// - Throws: what is wrong with the file, in one line.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(file.bytes, path: path)
        names = header.names
        metadata = header.metadata
        dataStart = header.dataStart
        entries = header.entries
    }

    /// Whether the file has a tensor with this name.
    package func contains(_ name: String) -> Bool { entries[UTF8Key(name)] != nil }

    /// The type, shape and position of a tensor.
    /// - Throws: if there is none with this name.
    package func entry(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = entries[UTF8Key(name)] else { throw failure("it has no tensor \(quoted(name))") }
        return entry
    }

    /// The shape of a tensor.
    /// - Throws: if there is none with this name.
    package func shape(_ name: String) throws(SafetensorsError) -> [Int] { try entry(name).shape }

    /// Calls `body` with the bytes of a tensor, which are valid only until it returns.
    package func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let entry = try entry(name)
        return try withExtendedLifetime(file) {
            try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range]))
        }
    }

    /// Whether it has tensors of less than single precision, which are converted when they are read.
    var isConverted: Bool { entries.values.contains { $0.dtype == .bfloat16 || $0.dtype == .float16 } }

    func failure(_ reason: String) -> SafetensorsError { SafetensorsError(path: path, reason: reason) }
}
