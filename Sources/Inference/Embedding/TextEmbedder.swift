import Files
import Interchange
import Layers
import Models
import Tensors
import Tokenizers

/// An encoder with its tokenizer, for embeddings of texts: vectors that are close to each other if the texts mean the same.
///
///     h = encoder(ids of prompt + text)       (T, C)
///     e = pooling(h)                          `EmbeddingSettings.Pooling`: the mean of the rows, for example
///     e = e / max(|e|, 1e-12)                 if `EmbeddingSettings.normalizes`
///
/// These are the embeddings of sentence-transformers (Reimers and Gurevych, 2019) for the same files. Texts of a batch are not
/// padded, and the embedding of a text is the same, to the last bit, whatever other texts are embedded with it. The weights
/// are packed for products once, so that an embedder takes twice the memory of the model.
public struct TextEmbedder {
    /// The embedding of a text.
    public struct Embedding: Sendable, Equatable {
        /// The vector.
        public let values: [Float]
        /// The number of tokens that it was computed from, with those of the template.
        public let tokenCount: Int
        /// Whether tokens at the end of the text were left out, because there is no room for them.
        public let isTruncated: Bool
    }

    public let encoder: Encoder
    public let tokenizer: any Tokenizer
    /// How hidden vectors become an embedding.
    public let settings: EmbeddingSettings
    /// Whether the model's directory says how its vectors become an embedding. Otherwise it is the mean.
    public let hasOwnSettings: Bool

    /// - Parameters:
    ///   - encoder: the model, with any head, which is not used.
    ///   - tokenizer: its tokenizer.
    ///   - settings: how hidden vectors become an embedding.
    public init(_ encoder: Encoder, tokenizer: any Tokenizer, settings: EmbeddingSettings = EmbeddingSettings()) {
        self.init(encoder, tokenizer, settings, hasOwnSettings: true)
    }

    /// A model that was read, with the settings of its directory.
    /// - Throws: one line: it is no encoder, has no tokenizer that can be used, or has settings that are not supported.
    public init(_ saved: SavedModel) throws {
        guard let encoder = saved.model.encoder else {
            throw ModelError(
                path: saved.path,
                reason:
                    "a model of type '\(saved.model.modelType)' has no embeddings of texts; give an encoder (BERT), such as "
                    + "a model of sentence-transformers")
        }
        try saved.requireFiniteWeights()
        let settings = try EmbeddingSettings(directory: saved.path)
        self.init(encoder, try saved.tokenizer, settings ?? EmbeddingSettings(), hasOwnSettings: settings != nil)
    }

    private init(
        _ encoder: Encoder, _ tokenizer: any Tokenizer, _ settings: EmbeddingSettings, hasOwnSettings: Bool
    ) {
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.settings = settings
        self.hasOwnSettings = hasOwnSettings
    }

    /// The number of components of an embedding.
    public var dimensions: Int { encoder.configuration.width * settings.pooling.count }

    /// The maximum number of tokens of a text, with those of the template.
    public var maximumLength: Int {
        min(settings.maximumLength ?? .max, encoder.configuration.contextLength)
    }

    /// The embedding of a text.
    /// - Throws: `TokenizerError`, or `EmbeddingError`.
    public func embed(_ text: String) throws -> Embedding { try embed([text])[0] }

    /// The embeddings of texts, in their order.
    /// - Parameters:
    ///   - texts: any texts. White space at their ends is left out, and special tokens that they spell are special, as in
    ///     sentence-transformers. The embedding of an empty text is that of the template alone.
    ///   - batchSize: the maximum number of texts that are computed together. They are sorted by length for that, so that the work
    ///     of a batch is divided evenly.
    /// - Throws: `TokenizerError`, or `EmbeddingError`.
    public func embed(_ texts: [String], batchSize: Int = 32) throws -> [Embedding] {
        precondition(batchSize > 0, "batches of \(batchSize) texts")
        let sequences = try texts.enumerated().map { try sequence(of: $0.element, number: $0.offset) }
        // Equal lengths stay in the order of the texts.
        let order = sequences.indices.sorted {
            (sequences[$0].tokens.count, $0) < (sequences[$1].tokens.count, $1)
        }
        var embeddings = [Embedding?](repeating: nil, count: texts.count)
        for start in stride(from: 0, to: order.count, by: batchSize) {
            let numbers = order[start..<min(start + batchSize, order.count)]
            let batch = SequenceBatch(numbers.map { sequences[$0].tokens })
            let hidden = encoder.hiddenVectors(batch.tokens, types: batch.types)
            try hidden.withElements { hidden in
                for (row, number) in numbers.enumerated() {
                    let (tokens, isTruncated) = sequences[number]
                    let values = settings.embedding(
                        of: hidden, rows: batch.tokens.rows(of: row), width: encoder.configuration.width)
                    guard values.allSatisfy(\.isFinite) else { throw EmbeddingError.notFinite(number: number) }
                    embeddings[number] = Embedding(
                        values: values, tokenCount: tokens.count, isTruncated: isTruncated)
                }
            }
        }
        return embeddings.compactMap { $0 }
    }

    /// The ids of a text, and whether some were left out.
    private func sequence(of text: String, number: Int) throws -> (tokens: TokenSequence, isTruncated: Bool) {
        var text = (settings.prompt + text).trimmed
        if settings.lowercases { text = text.lowercasedLikePython }
        let ids = try tokenizer.encode(text, special: .allowed)
        let sequence = try tokenizer.sequence(ids, maximumLength: maximumLength)
        guard sequence.count > 0 else { throw EmbeddingError.emptyText(number: number) }
        guard sequence.typeIDs.allSatisfy({ $0 >= 0 && $0 < encoder.configuration.tokenTypes }) else {
            throw EmbeddingError.unknownType
        }
        return (sequence, try tokenizer.sequence(ids).count > sequence.count)
    }
}

/// Why a text has no embedding.
public enum EmbeddingError: Error, Equatable, CustomStringConvertible {
    /// The text with this number, from 0, has no tokens.
    case emptyText(number: Int)
    /// The tokenizer gives tokens a type that the model does not have.
    case unknownType
    /// The embedding of the text with this number, from 0, is not finite.
    case notFinite(number: Int)

    public var description: String {
        switch self {
        case .emptyText(let number):
            "text \(number + 1) is empty, and the tokenizer of the model adds nothing to it: leave it out"
        case .unknownType:
            "the tokenizer gives tokens a type that the model does not have: they do not belong together"
        case .notFinite(let number):
            "the embedding of text \(number + 1) is infinite or not a number: the weights of the model are too large"
        }
    }
}

extension EmbeddingSettings {
    /// The embedding of hidden vectors, in rows of the given width. Sums are computed in double precision.
    fileprivate func embedding(
        of hidden: UnsafeMutableBufferPointer<Float>, rows: Range<Int>, width: Int
    ) -> [Float] {
        func row(_ number: Int) -> UnsafeMutableBufferPointer<Float> {
            UnsafeMutableBufferPointer(rebasing: hidden[number * width..<(number + 1) * width])
        }
        /// The sum of the rows with weights, divided by a number.
        func sum(over divisor: Double, weight: (_ position: Int) -> Double = { _ in 1 }) -> [Float] {
            var sums = [Double](repeating: 0, count: width)
            for number in rows {
                let weight = weight(number - rows.lowerBound), row = row(number)
                for i in 0..<width { sums[i] += weight * Double(row[i]) }
            }
            return sums.map { Float($0 / divisor) }
        }
        let T = Double(rows.count)
        var embedding = pooling.flatMap { mode -> [Float] in
            switch mode {
            case .cls: return Array(row(rows.lowerBound))
            case .lastToken: return Array(row(rows.upperBound - 1))
            case .mean: return sum(over: T)
            case .meanSqrtLength: return sum(over: T.squareRoot())
            case .weightedMean: return sum(over: T * (T + 1) / 2) { Double($0 + 1) }
            case .max:
                var largest = Array(row(rows.lowerBound))
                for number in rows.dropFirst() {
                    let row = row(number)
                    for i in 0..<width { largest[i] = Swift.max(largest[i], row[i]) }
                }
                return largest
            }
        }
        if normalizes {
            let norm = embedding.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            embedding = embedding.map { Float(Double($0) / Swift.max(norm, 1e-12)) }
        }
        return embedding
    }
}

extension String {
    /// The text without white space at both ends, as Python's `strip` leaves it.
    fileprivate var trimmed: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0x09...0x0D, 0x1C...0x1F, 0x85: true
            default:
                [.spaceSeparator, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            }
        }
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// The text in lower case, as Python's `lower` writes it: a capital sigma at the end of a word becomes a final sigma
    /// (Unicode 16.0, section 3.13, Final_Sigma).
    fileprivate var lowercasedLikePython: String {
        let scalars = Array(unicodeScalars)
        /// Whether the next scalar in a direction that is not ignored has a case.
        func isCased(_ positions: some Sequence<Int>) -> Bool {
            positions.lazy.map { scalars[$0].properties }.first { !$0.isCaseIgnorable }?.isCased ?? false
        }
        var lower = ""
        for (i, scalar) in scalars.enumerated() {
            let isFinal =
                scalar == "\u{3A3}" && isCased((0..<i).reversed()) && !isCased(i + 1..<scalars.count)
            lower += isFinal ? "\u{3C2}" : scalar.properties.lowercaseMapping
        }
        return lower
    }
}
