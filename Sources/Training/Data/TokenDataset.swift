import Corpus
import Inference
import Models
import Tensors
import Tokenizers

/// One or several texts as tokens, each split into a training part and, after it, a validation part.
public struct TokenDataset: Sendable {
    /// The two parts of one text.
    public struct Document: Sendable {
        public let name: String
        public let training: [Int32]
        public let validation: [Int32]
        /// The bytes of UTF-8, and the characters, of the predicted tokens of the validation part: all but its first.
        let predictedBytes: Int
        let predictedCharacters: Int
        /// Set if the text consists of conversations.
        var conversations: ConversationTargets?

        /// The tokens of the validation part that are predicted.
        var predictedTokens: Int {
            guard let conversations else { return max(0, validation.count - 1) }
            return conversations.validationRanges.reduce(0) { count, range in
                count + range.dropFirst().count { conversations.isValidationTarget[$0] }
            }
        }
    }

    public let documents: [Document]
    /// The SHA-256 of each text's UTF-8, or of the file of its tokens.
    public let hashes: [String]
    /// Whether a training part contains the token that ends a text, so that a model learns to generate it.
    public let hasEnds: Bool
    /// The token that ends a text; nil if the vocabulary has none.
    let end: Int32?
    /// The special tokens in the training parts.
    let learnedSpecialTokens: Set<Int32>

    public var trainingCount: Int { documents.reduce(0) { $0 + $1.training.count } }
    public var validationCount: Int { documents.reduce(0) { $0 + $1.validation.count } }

    /// The tokens of the validation parts that are predicted.
    private var predictedTokens: Int { documents.reduce(0) { $0 + $1.predictedTokens } }

    /// The mean number of bytes of UTF-8 of a predicted token of the validation parts. A loss per token divided by it is a
    /// loss per byte, which is comparable between tokenizers.
    public var validationBytesPerToken: Double {
        Double(documents.reduce(0) { $0 + $1.predictedBytes }) / Double(max(1, predictedTokens))
    }

    /// How well a model predicts the validation texts.
    /// - Parameter loss: the loss of the model on them, in nats per token.
    public func score(_ loss: Double) -> TextScore {
        let tokens = predictedTokens
        return TextScore(
            Evaluation(total: loss * Double(tokens), count: tokens),
            characters: documents.reduce(0) { $0 + $1.predictedCharacters },
            bytes: documents.reduce(0) { $0 + $1.predictedBytes })
    }

    /// What a run records of the texts.
    package var record: DataRecord {
        DataRecord(
            hashes: hashes,
            figures: [
                ("training_tokens", .count(trainingCount)), ("validation_tokens", .count(validationCount)),
                ("validation_bytes_per_token", .mean(validationBytesPerToken)),
            ])
    }

    /// Encodes texts.
    ///
    /// A text of n characters (Unicode scalars) keeps the last n - floor(n (1 - validation)) of them for validation. It is
    /// cut before it is encoded, so that the parts are the same text whatever the tokenizer.
    ///
    /// - Parameters:
    ///   - texts: each is cut in two by itself, unless they are joined. The end of each of its documents, if it has any, is
    ///     marked with the end-of-text token.
    ///   - tokenizer: what turns them into ids.
    ///   - validation: the share of each text that is for validation, above 0 and below 1.
    ///   - contextLength: T, the length of the windows that will be drawn; only to refuse texts that are too short.
    ///   - special: how special tokens that a text spells are encoded.
    ///   - joinsTexts: whether several texts are the documents of one text, which is cut in two as a whole. Without an
    ///     end-of-text token they are not.
    /// - Throws: `TrainingError`, where a text is too short or has a character that the tokenizer has no word for.
    public init(
        _ texts: [NamedText], tokenizer: any Tokenizer, validation: Double = 0.1, contextLength: Int,
        special: SpecialTokenTreatment = .text, joinsTexts: Bool = false
    ) throws {
        var encoding = TrainingEncoding(tokenizer)
        encoding.special = special
        encoding.joinsTexts = joinsTexts
        try self.init(texts, encoding, validation: validation, contextLength: contextLength)
    }

    init(_ texts: [NamedText], _ encoding: TrainingEncoding, validation: Double, contextLength: Int) throws {
        func needed() -> Int { Self.lengthNeeded(validation: validation, contextLength: contextLength) }
        let tokenizer = encoding.tokenizer
        let documents = try encoding.arranged(texts).map { text in
            if let ids = text.tokens {
                return try Self.document(
                    ids, of: text, with: tokenizer, validation: validation, contextLength: contextLength)
            }
            if let conversations = text.conversations {
                guard let format = encoding.conversations else {
                    throw TrainingError.setting("\(text.name): it contains conversations, not a text")
                }
                return try Document(
                    conversations, of: text, with: tokenizer, format, validation: validation, length: contextLength)
            }
            let scalars = text.text.unicodeScalars
            let count = scalars.count
            let usual = Self.trainingLength(of: text, count, validation: validation)
            let index = scalars.index(scalars.startIndex, offsetBy: usual)
            let middle = encoding.cut(text.text, at: index)
            let cut = usual - scalars.distance(from: middle, to: index)
            let training = try encoding.ids(of: scalars[..<middle], at: 0, in: text)
            let validation = try encoding.ids(of: scalars[middle...], at: cut, in: text)
            guard training.count > contextLength, validation.count > 1 else {
                if training.count + validation.count != count {
                    throw TrainingError.tooFewTokens(
                        name: text.name, training: training.count, validation: validation.count, context: contextLength)
                }
                throw TrainingError.textTooShort(
                    name: text.name, characters: count, needed: needed(), context: contextLength)
            }
            let first =
                tokenizer.decodedBytes(of: validation[0], isFirst: true, spellingSpecialTokens: false) ?? []
            return Document(
                name: text.name, training: training, validation: validation,
                // A token may have more bytes than the text that was normalized to it.
                predictedBytes: max(1, text.text.utf8[middle...].count - first.count),
                predictedCharacters: max(1, count - cut - Self.characters(in: first)))
        }
        self.documents = documents
        hashes = texts.map(\.sha256)
        var isSpecial = [Bool](repeating: false, count: tokenizer.vocabularySize)
        for id in tokenizer.specialTokenIDs { isSpecial[Int(id)] = true }
        learnedSpecialTokens = documents.reduce(into: []) { found, document in
            for id in document.training where isSpecial[Int(id)] { found.insert(id) }
        }
        end = encoding.end
        hasEnds = encoding.end.map(learnedSpecialTokens.contains) ?? false
    }

    /// The number of characters that begin in bytes of UTF-8.
    private static func characters(in bytes: [UInt8]) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }

    /// The two parts of a text whose tokens are given.
    private static func document(
        _ ids: [Int32], of text: NamedText, with tokenizer: any Tokenizer, validation: Double, contextLength: Int
    ) throws -> Document {
        if let position = ids.firstIndex(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize }) {
            throw TrainingError.setting(
                "\(text.name): the id \(ids[position]) at position \(position) is not below \(tokenizer.vocabularySize), the vocabulary "
                    + "size of the tokenizer (\(tokenizer.kind)); give the tokenizer of the file")
        }
        let cut = trainingLength(of: ids.count, validation: validation)
        let rest = Array(ids[cut...])
        guard cut > contextLength, rest.count > 1 else {
            throw TrainingError.tooFewTokens(
                name: text.name, training: cut, validation: rest.count, context: contextLength)
        }
        var bytes = 0, characters = 0
        for id in rest.dropFirst() {
            let token = tokenizer.bytes(of: id)
            bytes += token.count
            characters += Self.characters(in: token)
        }
        return Document(
            name: text.name, training: Array(ids[..<cut]), validation: rest, predictedBytes: bytes,
            predictedCharacters: characters)
    }

    /// The part of a text that is for training.
    static func trainingPart(of text: NamedText, validation: Double) -> Substring.UnicodeScalarView {
        let scalars = text.text.unicodeScalars
        return scalars.prefix(trainingLength(of: text, scalars.count, validation: validation))
    }

    /// How many of the `count` characters of a text are for training. A text of several documents is cut between two of them,
    /// unless the documents are joined texts: of a few long ones, that would leave out too much.
    private static func trainingLength(of text: NamedText, _ count: Int, validation: Double) -> Int {
        let cut = trainingLength(of: count, validation: validation)
        guard let lengths = text.documentLengths, lengths.count > 1, text.documentNames == nil else { return cut }
        var end = lengths[0]
        for length in lengths[1..<(lengths.count - 1)] where end + length <= cut { end += length }
        return end
    }

    /// How many of a text's characters are for training.
    public static func trainingLength(of count: Int, validation: Double) -> Int {
        max(0, min(count, Int(Double(count) * (1 - validation))))
    }

    /// The shortest text, in characters of one token each, that has a window to learn from and a token to predict.
    public static func lengthNeeded(validation: Double, contextLength: Int) -> Int {
        func suffices(_ count: Int) -> Bool {
            let training = trainingLength(of: count, validation: validation)
            return training > contextLength && count - training > 1
        }
        // Once long enough, always long enough: so double, then halve the interval.
        var needed = contextLength + 3
        while !suffices(needed), needed < 1 << 48 { needed *= 2 }
        var tooShort = 0
        while needed - tooShort > 1 {
            let middle = (needed + tooShort) / 2
            if suffices(middle) { needed = middle } else { tooShort = middle }
        }
        return needed
    }

    /// `batch` windows of `length` tokens, and the token that follows each of theirs.
    ///
    /// The windows start anywhere in the training parts with equal probability, and never run from one text into the next.
    /// Where they start is a function of seed, step and micro-batch alone, so a resumed run draws what an uninterrupted one
    /// would have.
    public func batch(
        batch: Int, length: Int, seed: UInt64, step: Int, microBatch: Int
    ) -> (inputs: TokenBatch, targets: [Int32]) {
        if documents.contains(where: { $0.conversations != nil }) {
            return conversationBatch(batch: batch, length: length, seed: seed, step: step, microBatch: microBatch)
        }
        let starts = documents.map { max(0, $0.training.count - length) }
        let total = starts.reduce(0, +)
        precondition(total > 0, "no text is as long as a window")
        var random = Philox(Purpose.windows, seed, UInt64(step), UInt64(microBatch))
        var inputs: [Int32] = []
        var targets: [Int32] = []
        inputs.reserveCapacity(batch * length)
        targets.reserveCapacity(batch * length)
        for _ in 0..<batch {
            // The high half of a product: uniform up to one part in 2^64 / total.
            var start = Int(random.next().multipliedFullWidth(by: UInt64(total)).high)
            var document = 0
            while start >= starts[document] {
                start -= starts[document]
                document += 1
            }
            let tokens = documents[document].training
            inputs += tokens[start..<start + length]
            targets += tokens[start + 1..<start + length + 1]
        }
        return (TokenBatch(batch: batch, length: length, ids: inputs), targets)
    }
}

/// What random numbers are for, as the first part of their key.
enum Purpose {
    static let windows: UInt64 = 1
    static let dropout: UInt64 = 2
    static let samples: UInt64 = 3
    static let examples: UInt64 = 4
    static let masks: UInt64 = 5
    static let pools: UInt64 = 6
}
