import Platform
import Tensors

/// How a transformer knows where a token stands.
public enum Positions: Sendable, Hashable {
    /// A learned vector for each position, added to the embedding: GPT-2's.
    case learned
    /// Sines and cosines of the position times 0.02, added to the embedding (Vaswani et al., 2017).
    case sinusoidal
    /// Queries and keys are turned by their positions: see `Rotary`.
    case rotary(RotaryFrequencies)
    /// Not at all, but for what the causal mask tells it (Kazemnejad et al., 2023).
    case absent

    /// The same without settings, by the word that stands for it.
    public enum Kind: String, Sendable, CaseIterable {
        case learned, sinusoidal, rotary
        case absent = "none"
    }

    public var kind: Kind {
        switch self {
        case .learned: .learned
        case .sinusoidal: .sinusoidal
        case .rotary: .rotary
        case .absent: .absent
        }
    }

    /// Positions of a kind, with the usual settings.
    public init(_ kind: Kind) {
        switch kind {
        case .learned: self = .learned
        case .sinusoidal: self = .sinusoidal
        case .rotary: self = .rotary(RotaryFrequencies())
        case .absent: self = .absent
        }
    }
}

/// By how much rotary positions turn each pair of a head's numbers from one position to the next: by base^(-2i / size),
/// perhaps stretched, so that a model takes longer sequences than it first learned from.
public struct RotaryFrequencies: Sendable, Hashable {
    /// How frequencies are changed for long sequences.
    public enum Scaling: Sendable, Hashable {
        /// All divided by a factor (Chen et al., 2023).
        case linear(factor: Double)
        /// Llama 3's: those whose wave is longer than `originalContext / lowFrequencyFactor` are divided by the factor,
        /// those whose wave is shorter than `originalContext / highFrequencyFactor` stay, and between the two lies a
        /// mixture.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
    }

    public var base: Double
    public var scaling: Scaling?

    /// - Parameters:
    ///   - base: what the frequencies are powers of: 10,000 in the paper, more where contexts are long.
    ///   - scaling: how they are changed, if they are.
    public init(base: Double = 10_000, scaling: Scaling? = nil) {
        self.base = base
        self.scaling = scaling
    }

    /// Those of a head, in radians per position.
    package func values(headSize: Int) -> [Double] {
        AngleTable.frequencies(width: headSize, base: base).map { frequency in
            switch scaling {
            case nil: return frequency
            case .linear(let factor): return frequency / factor
            case .llama3(let factor, let low, let high, let context):
                // How many waves the context that was first learned from has room for.
                let waves = Double(context) * frequency / (2 * Double.pi)
                if waves < low { return frequency / factor }
                if waves > high { return frequency }
                let share = (waves - low) / (high - low)
                return (1 - share) * frequency / factor + share * frequency
            }
        }
    }

    /// What is wrong with them, in one line, if anything is.
    var problem: String? {
        guard base > 0, base.isFinite else { return "the base of the rotary positions is \(base), not above 0" }
        switch scaling {
        case nil: return nil
        case .linear(let factor):
            return factor > 0 && factor.isFinite
                ? nil : "the scaling factor of the rotary positions is \(factor), which is not above 0"
        case .llama3(let factor, let low, let high, let context):
            let isSound = factor > 0 && factor.isFinite && low > 0 && high > low && high.isFinite && context > 0
            return isSound ? nil : "the scaling factors of the rotary positions are not above 0 and in ascending order"
        }
    }
}
