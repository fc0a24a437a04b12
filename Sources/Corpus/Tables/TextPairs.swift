import Files

/// Texts and their translations: the training data of a translation model.
public struct TextPairs: Sendable {
    /// A text and its translation.
    public struct Pair: Sendable, Hashable {
        public let source: String
        public let target: String

        public init(source: String, target: String) {
            self.source = source
            self.target = target
        }
    }

    /// The name in messages.
    public let name: String
    /// The names of the sources and of the targets: columns, languages, or the extensions of two files.
    public let columns: (source: String, target: String)
    /// The pairs, in the order of the file.
    public let pairs: [Pair]
    /// The SHA-256 of the text that they were read from.
    package let sha256: String

    init(name: String, columns: (source: String, target: String), pairs: [Pair], sha256: String) {
        self.name = name
        self.columns = columns
        self.pairs = pairs
        self.sha256 = sha256
    }

    /// Pairs from a program rather than a file.
    /// - Parameters:
    ///   - name: the name in messages.
    ///   - pairs: the pairs.
    public init(name: String, _ pairs: [Pair]) {
        let text = pairs.map { "\($0.source)\t\($0.target)\n" }.joined()
        self.init(
            name: name, columns: ("source", "target"), pairs: pairs, sha256: SHA256.hexDigest(of: text.utf8))
    }

    /// Splits the pairs into a part to train with and one to validate with.
    ///
    /// Of n pairs, n times `fraction` are for validation, rounded, but at least one and not all. Pairs with equal sources are in
    /// the same part, so no source of the validation part was seen in training, and where sources occur often fewer may be
    /// for validation. Both parts keep the order of the file.
    ///
    /// - Parameters:
    ///   - fraction: the share for validation, from 0 to 1; 0 leaves that part empty.
    ///   - seed: what decides which pairs these are.
    public func split(validation fraction: Double, seed: UInt64) -> (training: TextPairs, validation: TextPairs) {
        precondition((0...1).contains(fraction), "a share is from 0 to 1")
        var random = SplitMix64(seed: seed, purpose: 0x5041_4952_53)
        var isValidation = [Bool](repeating: false, count: pairs.count)
        for row in ValidationChoice.rows(pairs.map(\.source), fraction: fraction, using: &random) {
            isValidation[row] = true
        }
        func part(_ kind: Bool) -> TextPairs {
            let chosen = zip(pairs, isValidation).filter { $0.1 == kind }.map(\.0)
            return TextPairs(name: name, columns: columns, pairs: chosen, sha256: sha256)
        }
        return (part(false), part(true))
    }
}
