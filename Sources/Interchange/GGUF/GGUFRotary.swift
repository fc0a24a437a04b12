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

    /// The divisor of each frequency of a head, as llama.cpp's converter computes it; nil if they need no tensor.
    func divisors(headSize: Int) -> [Float]? {
        switch scaling {
        case nil, .linear: return nil
        case .divisors(let divisors): return divisors
        case .llama3: break
        }
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

    /// Reads the divisors as they are. If they are those of Llama 3's scaling with the frequency bounds that all published
    /// models have, up to the rounding of converters, it is that scaling, so that a configuration can be written as it was.
    private mutating func readDivisors(_ file: GGUFFile, headSize: Int) throws(ModelError) {
        let entry = try file.entry(Self.tensorName)
        guard entry.encoding == .float32, entry.count == headSize / 2 else {
            throw file.failure("the type or shape of its \(Self.tensorName) is not supported")
        }
        guard scaling == nil else {
            throw file.failure("it has both a scaling factor and \(Self.tensorName), which is not supported")
        }
        let divisors = file.withBytes(of: entry) { bytes in
            (0..<entry.count).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
        if divisors.allSatisfy({ $0 == 1 }) { return }
        scaling = llama3Scaling(divisors, headSize: headSize) ?? .divisors(divisors)
    }

    /// Llama 3's scaling with these divisors: the greatest is the factor, and one between it and 1 gives the context. llama.cpp's
    /// converter computes in 32-bit floats, and differs from exact divisors by up to 3e-7 of them.
    private func llama3Scaling(_ divisors: [Float], headSize: Int) -> Scaling? {
        let low = 1.0, high = 4.0, greatest = divisors.max() ?? 1
        // The shortest decimal of the float: 3.7 rather than the double nearest to the float of 3.7.
        let factor = Double(greatest.description) ?? Double(greatest)
        var contexts = [8192]
        for (frequency, divisor) in zip(values(headSize: headSize), divisors.map(Double.init))
        where divisor > 1 && divisor < factor {
            let share = (1 / divisor - 1 / factor) / (1 - 1 / factor)
            let waves = low + share * (high - low)
            if let context = Int(exactly: (waves * 2 * Double.pi / frequency).rounded()), context > 0 {
                contexts.append(context)
            }
        }
        for context in contexts {
            let scaling = Scaling.llama3(
                factor: factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext: context)
            let found = RotaryFrequencies(base: base, scaling: scaling).divisors(headSize: headSize) ?? []
            if zip(found, divisors).allSatisfy({ abs($0 - $1) <= 1e-6 * $0 }) { return scaling }
        }
        return nil
    }
}
