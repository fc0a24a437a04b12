import Platform

/// What the driver in `Tests/Kernels/Driver` reads: numbers under names.
///
/// A file is eight bytes ("GPTKVEC1") and its cases. A case is three texts, the number of its fields, and the fields; a
/// field is a text, the letter of its type, a count, and that many numbers. A text is its length, its bytes and a zero.
/// Lengths, counts and letters have 64 bits, everything begins at a multiple of eight bytes, and numbers are those of
/// the machine.
struct VectorCase: Sendable {
    enum Numbers: Sendable {
        case floats([Float])
        case doubles([Double])
        case integers([Int64])
        case words([Int32])
        case bytes([Int8])
    }

    /// Names the function of the driver that runs the case.
    let kind: String
    /// Of all cases of an op: a line of the report.
    let title: String
    /// Of this case alone.
    let name: String
    private(set) var fields: [(name: String, numbers: Numbers)] = []

    init(_ kind: String, title: String, name: String? = nil) {
        self.kind = kind
        self.title = title
        self.name = name ?? title
    }

    mutating func add(_ name: String, _ numbers: Numbers) { fields.append((name, numbers)) }

    mutating func add(_ name: String, _ number: Int) { add(name, .integers([Int64(number)])) }
    mutating func add(_ name: String, _ flag: Bool) { add(name, flag ? 1 : 0) }
    mutating func add(_ name: String, _ number: Double) { add(name, .doubles([number])) }
    mutating func add(_ name: String, _ numbers: [Int]) { add(name, .integers(numbers.map(Int64.init))) }
    mutating func add(_ name: String, _ numbers: [Float]) { add(name, .floats(numbers)) }
    mutating func add(_ name: String, _ numbers: [Double]) { add(name, .doubles(numbers)) }
}

struct VectorFile {
    private(set) var bytes = Array("GPTKVEC1".utf8)

    mutating func append(_ vector: VectorCase) {
        for text in [vector.kind, vector.title, vector.name] { append(text) }
        append(UInt64(vector.fields.count))
        for field in vector.fields {
            append(field.name)
            switch field.numbers {
            case .floats(let numbers): append("f", numbers)
            case .doubles(let numbers): append("d", numbers)
            case .integers(let numbers): append("i", numbers)
            case .words(let numbers): append("w", numbers)
            case .bytes(let numbers): append("b", numbers)
            }
        }
    }

    private mutating func append(_ number: UInt64) { withUnsafeBytes(of: number) { bytes += $0 } }

    private mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
        align()
    }

    private mutating func append<Number>(_ type: Unicode.Scalar, _ numbers: [Number]) {
        append(UInt64(type.value))
        append(UInt64(numbers.count))
        numbers.withUnsafeBytes { bytes += $0 }
        align()
    }

    private mutating func align() { while bytes.count % 8 != 0 { bytes.append(0) } }

    /// - Returns: whether all of it could be written.
    func write(to path: String) -> Bool {
        guard let file = fopen(path, "w") else { return false }
        let written = fwrite(bytes, 1, bytes.count, file)
        return fclose(file) == 0 && written == bytes.count
    }
}
