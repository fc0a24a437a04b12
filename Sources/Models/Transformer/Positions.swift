import Platform
import Tensors

/// How a transformer represents the positions of tokens.
public enum Positions: Sendable, Hashable {
    /// A learned vector for each position, added to the embedding: GPT-2's.
    case learned
    /// Sines and cosines of the position times 0.02, added to the embedding (Vaswani et al., 2017).
    case sinusoidal
    /// Queries and keys are rotated by their positions: see `Rotary`.
    case rotary(RotaryFrequencies)
    /// Linear biases: from the score of a query and a key their distance times a constant of the head is subtracted (Press et al.,
    /// "ALiBi", 2022). Nothing is learned, and no length is the longest.
    case linearBiases
    /// No positional encoding: only the causal mask depends on positions (Kazemnejad et al., 2023).
    case absent

    /// The kinds without their settings, and their names in files and options.
    public enum Kind: String, Sendable, CaseIterable {
        case learned, sinusoidal, rotary
        case linearBiases = "alibi"
        case absent = "none"
    }

    public var kind: Kind {
        switch self {
        case .learned: .learned
        case .sinusoidal: .sinusoidal
        case .rotary: .rotary
        case .linearBiases: .linearBiases
        case .absent: .absent
        }
    }

    /// Positions of a kind, with the default settings.
    public init(_ kind: Kind) {
        switch kind {
        case .learned: self = .learned
        case .sinusoidal: self = .sinusoidal
        case .rotary: self = .rotary(RotaryFrequencies())
        case .linearBiases: self = .linearBiases
        case .absent: self = .absent
        }
    }

    /// Whether a model can read sequences that are longer than those it was trained on: all but learned positions.
    public var hasAnyLength: Bool { self != .learned }

    /// The slopes of linear biases for a number of heads: 2^(-8 i / n) for head i of n, counted from 1, if n is a power of two.
    /// Otherwise those of the next smaller power of two, and then every other one of those of its double, as in the paper's
    /// program.
    package static func slopes(heads: Int) -> [Float] {
        func powers(_ count: Int) -> [Float] { (1...count).map { Float(exp2(-8 * Double($0) / Double(count))) } }
        var power = 1
        while power * 2 <= heads { power *= 2 }
        let others = stride(from: 0, to: 2 * (heads - power), by: 2).map { powers(2 * power)[$0] }
        return powers(power) + others
    }
}

/// The frequencies of rotary positions, in radians per position: base^(-2i / size) for pair i of a head, possibly
/// scaled so that a model can process longer sequences than it was first trained on.
public struct RotaryFrequencies: Sendable, Hashable {
    /// How frequencies are scaled for long sequences.
    public enum Scaling: Sendable, Hashable {
        /// All are divided by a factor (Chen et al., 2023).
        case linear(factor: Double)
        /// Llama 3's: frequencies with a wavelength above `originalContext / lowFrequencyFactor` are divided by the
        /// factor, those with a wavelength below `originalContext / highFrequencyFactor` are unchanged, and those
        /// between are interpolated.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
        /// Each is divided by a number of its own, one for each pair of a head: `rope_freqs` of llama.cpp, and `longrope` in
        /// Hugging Face's configurations.
        case divisors([Float])
    }

    public var base: Double
    public var scaling: Scaling?

    /// - Parameters:
    ///   - base: 10,000 in the paper, larger for long contexts.
    ///   - scaling: how the frequencies are scaled, if at all.
    public init(base: Double = 10_000, scaling: Scaling? = nil) {
        self.base = base
        self.scaling = scaling
    }

    /// The size / 2 frequencies of a head, in radians per position.
    package func values(headSize: Int) -> [Double] {
        AngleTable.frequencies(width: headSize, base: base).enumerated().map { pair, frequency in
            switch scaling {
            case nil: return frequency
            case .linear(let factor): return frequency / factor
            case .llama3(let factor, let low, let high, let context):
                // The number of wavelengths in the original context.
                let waves = Double(context) * frequency / (2 * Double.pi)
                if waves < low { return frequency / factor }
                if waves > high { return frequency }
                let share = (waves - low) / (high - low)
                return (1 - share) * frequency / factor + share * frequency
            case .divisors(let divisors): return frequency / Double(divisors[pair])
            }
        }
    }

    /// An error message of one line, if the frequencies are invalid for heads of this size.
    func problem(headSize: Int) -> String? {
        guard base > 0, base.isFinite else { return "the base of the rotary positions is \(base), not above 0" }
        switch scaling {
        case nil: return nil
        case .linear(let factor):
            return factor > 0 && factor.isFinite
                ? nil : "the scaling factor of the rotary positions is \(factor), which is not above 0"
        case .llama3(let factor, let low, let high, let context):
            let isSound = factor > 0 && factor.isFinite && low > 0 && high > low && high.isFinite && context > 0
            return isSound ? nil : "the scaling factors of the rotary positions are not above 0 and in ascending order"
        case .divisors(let divisors):
            guard divisors.count == headSize / 2 else {
                return "there are \(divisors.count) divisors of rotary frequencies for heads of \(headSize / 2) pairs"
            }
            return divisors.allSatisfy { $0 > 0 && $0.isFinite }
                ? nil : "the divisors of the rotary frequencies are not all above 0"
        }
    }
}
