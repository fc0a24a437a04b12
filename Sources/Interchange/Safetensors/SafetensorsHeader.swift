import StrictJSON

/// The header of a safetensors file, checked against the file's length.
struct SafetensorsHeader {
    private(set) var names: [String] = []
    private(set) var metadata: [String: String] = [:]
    private(set) var entries: [UTF8Key: SafetensorsFile.Entry] = [:]

    /// The position of the first number.
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
            // Keys that differ only in Unicode normalization are equal in a dictionary of strings.
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

    /// A list of integers that are not negative; `nil` for any other value.
    private func integers(_ value: JSON) -> [Int]? {
        guard let values = value.arrayValue else { return nil }
        let integers = values.compactMap { $0.intValue }
        return integers.count == values.count && integers.allSatisfy { $0 >= 0 } ? integers : nil
    }

    /// Throws unless the tensors fill the file from `dataStart` to `end` without gaps or overlaps.
    private func checkLayout(end: Int) throws(SafetensorsError) {
        var position = dataStart
        let sorted = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound) < (
                $1.value.range.lowerBound, $1.value.range.upperBound
            )
        }
        for (name, entry) in sorted {
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
