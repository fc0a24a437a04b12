import Files
import StrictJSON

/// Tensors by name, in the format of Hugging Face's safetensors: the length of a header (8 bytes, little-endian), the
/// header in JSON with each tensor's type, shape and place, and the numbers.
///
/// The file is taken as hostile. Its header is at most 100,000,000 bytes; the tensors lie one after another from the
/// first byte after the header to the last of the file, neither overlapping nor leaving a gap; each has exactly the
/// bytes its shape and type ask for. So nothing read later can lie outside the file, and no memory is taken that the
/// file does not fill. The numbers need not be aligned.
package final class SafetensorsFile: Sendable {
    /// A tensor as it lies in the file.
    package struct Entry: Sendable {
        package let dtype: SafetensorsType
        package let shape: [Int]

        /// Where it lies, counted from the start of the file.
        let range: Range<Int>

        /// How many numbers it holds.
        package var count: Int { range.count / dtype.size }
    }

    /// The path the file was opened by.
    package let path: String

    /// The names of the tensors in the order of the header.
    package let names: [String]

    /// What the writer noted beside the tensors.
    package let metadata: [String: String]

    let file: MappedFile
    let dataStart: Int
    private let entries: [UTF8Key: Entry]

    /// The most bytes a header may have.
    static let greatestHeader = 100_000_000

    /// Opens the file at `path` and checks its header. Throws one line that says what is wrong with the file.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(file.bytes, path: path)
        names = header.names
        metadata = header.metadata
        dataStart = header.dataStart
        entries = header.entries
    }

    /// Whether there is a tensor called `name`.
    package func contains(_ name: String) -> Bool { entries[UTF8Key(name)] != nil }

    /// The type, shape and place of a tensor. Throws where there is none of that name.
    package func entry(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = entries[UTF8Key(name)] else { throw failure("it has no tensor \(quoted(name))") }
        return entry
    }

    /// The shape of a tensor. Throws where there is none of that name.
    package func shape(_ name: String) throws(SafetensorsError) -> [Int] { try entry(name).shape }

    /// Calls `body` with the bytes of a tensor, which are valid only until it returns.
    package func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let entry = try entry(name)
        return try withExtendedLifetime(file) {
            try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range]))
        }
    }

    /// Whether its numbers are in less than single precision, so that whoever needs that has them converted.
    var isConverted: Bool { entries.values.contains { $0.dtype == .bfloat16 || $0.dtype == .float16 } }

    func failure(_ reason: String) -> SafetensorsError { SafetensorsError(path: path, reason: reason) }
}

/// A string from a file as it can stand on a line: escaped, and not too long.
func quoted(_ string: String) -> String {
    let scalars = string.unicodeScalars
    let short = String(String.UnicodeScalarView(scalars.prefix(100)))
    return JSON.string(scalars.count > 100 ? short + "..." : short).serialized()
}

/// The header of a safetensors file, checked against the file's length.
struct SafetensorsHeader {
    private(set) var names: [String] = []
    private(set) var metadata: [String: String] = [:]
    private(set) var entries: [UTF8Key: SafetensorsFile.Entry] = [:]

    /// Where the numbers begin.
    let dataStart: Int

    private let path: String

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(SafetensorsError) {
        self.path = path
        func failure(_ reason: String) -> SafetensorsError { SafetensorsError(path: path, reason: reason) }

        guard bytes.count >= 8 else { throw failure("too short for a safetensors file: \(bytes.count) bytes") }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsFile.greatestHeader else {
            throw failure("not a safetensors file: its header would have \(length) bytes")
        }
        guard length <= bytes.count - 8 else {
            throw failure("truncated: it has \(bytes.count) bytes, and its header alone \(length)")
        }
        dataStart = 8 + Int(length)

        let json: JSON
        do {
            json = try JSON(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        } catch {
            throw failure("its header is not valid: \(error)")
        }
        guard let header = json.objectValue else { throw failure("its header is \(json.kind), not an object") }
        for (name, value) in header {
            if name == "__metadata__" {
                try readMetadata(value)
            } else {
                names.append(name)
                entries[UTF8Key(name)] = try readEntry(name, value)
            }
        }
        try checkLayout(end: bytes.count)
    }

    private mutating func readMetadata(_ value: JSON) throws(SafetensorsError) {
        guard let object = value.objectValue else { throw failure("its metadata is \(value.kind), not an object") }
        for (key, value) in object {
            guard let text = value.stringValue else {
                throw failure("its metadata \(quoted(key)) is \(value.kind), not a string")
            }
            // Two keys that differ only in the form of their characters would be one for a dictionary of strings.
            guard metadata.updateValue(text, forKey: key) == nil else {
                throw failure("its metadata \(quoted(key)) occurs twice")
            }
        }
    }

    private func readEntry(_ name: String, _ value: JSON) throws(SafetensorsError) -> SafetensorsFile.Entry {
        let tensor = "the tensor \(quoted(name))"
        guard let object = value.objectValue else { throw failure("\(tensor) is \(value.kind), not an object") }
        guard let typeName = object["dtype"]?.stringValue else { throw failure("\(tensor) has no dtype") }
        guard let dtype = SafetensorsType(rawValue: typeName) else {
            throw failure("\(tensor) has the dtype \(quoted(typeName)), which is not supported")
        }
        guard let shape = object["shape"].flatMap(integers) else { throw failure("\(tensor) has no valid shape") }
        guard let offsets = object["data_offsets"].flatMap(integers), offsets.count == 2, offsets[0] <= offsets[1]
        else {
            throw failure("\(tensor) has no valid data_offsets")
        }
        guard let size = dtype.byteCount(shape: shape) else {
            throw failure("\(tensor) has the impossible shape \(shape)")
        }
        guard size == offsets[1] - offsets[0] else {
            throw failure("\(tensor) of shape \(shape) needs \(size) bytes but has \(offsets[1] - offsets[0])")
        }
        let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
        if overflow { throw failure("\(tensor) has no valid data_offsets") }
        return SafetensorsFile.Entry(dtype: dtype, shape: shape, range: offsets[0] + dataStart..<end)
    }

    /// A list of numbers that are none negative; `nil` where it is something else.
    private func integers(_ value: JSON) -> [Int]? {
        guard let values = value.arrayValue else { return nil }
        let integers = values.compactMap { $0.intValue }
        return integers.count == values.count && integers.allSatisfy { $0 >= 0 } ? integers : nil
    }

    /// Throws unless the tensors fill the file from `dataStart` to `end` without gaps or overlaps.
    private func checkLayout(end: Int) throws(SafetensorsError) {
        var position = dataStart
        let placed = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound) < (
                $1.value.range.lowerBound, $1.value.range.upperBound
            )
        }
        for (name, entry) in placed {
            guard entry.range.lowerBound == position else {
                let problem =
                    entry.range.lowerBound < position ? "overlaps the one before it" : "leaves a gap before it"
                throw failure("the tensor \(quoted(name.string)) \(problem)")
            }
            position = entry.range.upperBound
        }
        guard position == end else {
            throw failure(
                position > end
                    ? "truncated: its header describes \(position) bytes of tensors, and it has \(end)"
                    : "\(end - position) bytes follow the last tensor")
        }
    }

    private func failure(_ reason: String) -> SafetensorsError { SafetensorsError(path: path, reason: reason) }
}
