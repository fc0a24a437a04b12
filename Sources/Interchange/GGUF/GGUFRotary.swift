import Models
import Tensors

/// Rotary positions in GGUF files: keys for the base and a factor, and for Llama 3's scaling a tensor of the divisors of all
/// frequencies.
extension RotaryFrequencies {
    /// The tensor of divisors, of shape (head size / 2), in 32-bit floats.
    static let tensorName = "rope_freqs.weight"

    /// The keys, without the architecture that they begin with.
    func keys(headSize: Int) -> [(String, GGUFWrittenValue)] {
        var keys: [(String, GGUFWrittenValue)] = [
            ("rope.dimension_count", .uint32(headSize)), ("rope.freq_base", .float32(base)),
        ]
        if case .linear(let factor) = scaling {
            keys += [("rope.scaling.type", .string("linear")), ("rope.scaling.factor", .float32(factor))]
        }
        return keys
    }

    /// The divisor of each frequency of a head; nil if all are equal.
    func divisors(headSize: Int) -> [Float]? {
        guard case .llama3 = scaling else { return nil }
        let plain = RotaryFrequencies(base: base).values(headSize: headSize)
        return zip(plain, values(headSize: headSize)).map { Float($0 / $1) }
    }

    /// Reads the rotary positions of a file.
    /// - Throws: if their scaling is not supported.
    init(_ file: GGUFFile, _ architecture: String, headSize: Int) throws(ModelError) {
        self.init(base: try file.number("\(architecture).rope.freq_base") ?? 10_000)
        if let size = try file.integer("\(architecture).rope.dimension_count"), size != headSize {
            throw file.failure(
                "rope.dimension_count = \(size) is not supported; it must be the head size \(headSize)")
        }
        if let factor = try file.number("\(architecture).rope.scaling.attn_factor"), factor != 1 {
            throw file.failure("rope.scaling.attn_factor = \(factor) is not supported")
        }
        // As in llama.cpp: scaling by a factor, formerly under another key, is linear unless a type is given, and 0 is no factor.
        var factor = try file.number("\(architecture).rope.scaling.factor")
        if factor == nil { factor = try file.number("\(architecture).rope.scale_linear") }
        let type = try file.string("\(architecture).rope.scaling.type")
        switch type ?? "linear" {
        case "none": break
        case "linear":
            if let factor, factor != 0 {
                scaling = .linear(factor: factor)
            } else if type != nil {
                throw file.failure("\(architecture).rope.scaling.factor is missing")
            }
        case let other:
            throw file.failure("the rotary scaling \(quoted(other)) is not supported")
        }
        if file.contains(Self.tensorName) { try readDivisors(file, headSize: headSize) }
    }

    /// Finds the published scaling that has the divisors of the file. All models of Llama 3 have the same frequency bounds, and
    /// the greatest divisor is the factor.
    private mutating func readDivisors(_ file: GGUFFile, headSize: Int) throws(ModelError) {
        let entry = try file.entry(Self.tensorName)
        guard scaling == nil, entry.encoding == .float32, entry.count == headSize / 2 else {
            throw file.failure("the type or shape of its \(Self.tensorName) is not supported")
        }
        let divisors = file.withBytes(of: entry) { bytes in
            (0..<entry.count).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
        if divisors.allSatisfy({ $0 == 1 }) { return }
        for context in [8192, 4096, 2048, 16384, 32768] {
            scaling = .llama3(
                factor: Double(divisors.max() ?? 1), lowFrequencyFactor: 1, highFrequencyFactor: 4,
                originalContext: context)
            let found = self.divisors(headSize: headSize) ?? []
            if zip(found, divisors).allSatisfy({ abs($0 - $1) <= 1e-4 * abs($1) }) { return }
        }
        throw file.failure("the rotary scaling in its \(Self.tensorName) is not supported")
    }
}
