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
        package let trainingIDs: StoredTokens
        package let validationIDs: StoredTokens
        /// The bytes of UTF-8, and the characters, of the predicted tokens of the validation part: all but its first.
        let predictedBytes: Int
        let predictedCharacters: Int
        /// Set if the text consists of conversations.
        var conversations: ConversationTargets?

        /// A copy of the tokens of the training part.
        public var training: [Int32] { trainingIDs.array }
        /// A copy of the tokens of the validation part.
        public var validation: [Int32] { validationIDs.array }

        /// The tokens of the validation part that are predicted.
        var predictedTokens: Int {
            guard let conversations else { return max(0, validationIDs.count - 1) }
            return conversations.validationRanges.reduce(0) { count, range in
                count + range.dropFirst().count { conversations.isValidationTarget[$0] }
            }
        }
    }

    public internal(set) var documents: [Document]
    /// The SHA-256 of each text's UTF-8, or of the file of its tokens.
    public let hashes: [String]
    /// Whether a training part contains the token that ends a text, so that a model learns to generate it.
    public let hasEnds: Bool
    /// The token that ends a text; nil if the vocabulary has none.
    let end: Int32?
    /// The special tokens in the training parts.
    let learnedSpecialTokens: Set<Int32>

    /// The first special token that a long text spells although it is encoded as plain text, and the name of that text.
    package let spelledToken: (text: String, name: String)?

    public var trainingCount: Int { documents.reduce(0) { $0 + $1.trainingIDs.count } }
    public var validationCount: Int { documents.reduce(0) { $0 + $1.validationIDs.count } }

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

    init(
        _ texts: [NamedText], _ encoding: TrainingEncoding, validation: Double, contextLength: Int,
        notice: (String) -> Void = { _ in }
    ) throws {
        func needed() -> Int { Self.lengthNeeded(validation: validation, contextLength: contextLength) }
        let tokenizer = encoding.tokenizer, isSpecial = encoding.isSpecial
        var learned: Set<Int32> = [], spelled: (text: String, name: String)?
        /// The texts of a directory of token files.
        func open(_ directory: TokenDirectory, _ text: NamedText) throws -> [Document] {
            learned.formUnion(directory.specialTokens.filter { $0 >= 0 && $0 < isSpecial.count && isSpecial[Int($0)] })
            if spelled == nil { spelled = directory.spelledToken }
            return try directory.documents.map { document in
                guard document.training.count > contextLength, document.validation.count > 1 else {
                    throw TrainingError.tooFewTokens(
                        name: text.name, training: document.training.count, validation: document.validation.count,
                        context: contextLength)
                }
                return Document(document)
            }
        }
        let documents = try encoding.arranged(texts).flatMap { text -> [Document] in
            if let ids = text.tokenIDs {
                return [
                    try Self.document(
                        ids, of: text, with: tokenizer, validation: validation, contextLength: contextLength,
                        isSpecial, &learned)
                ]
            }
            if let directory = text.prepared {
                try encoding.requireTokenizer(of: directory)
                return try open(directory, text)
            }
            if let long = text.long {
                return try open(
                    TokenCache.directory(of: text, long, encoding, validation: validation, notice: notice), text)
            }
            func found(_ document: Document) -> [Document] {
                for id in document.training where isSpecial[Int(id)] { learned.insert(id) }
                return [document]
            }
            if let conversations = text.conversations {
                guard let format = encoding.conversations else {
                    throw TrainingError.setting("\(text.name): it contains conversations, not a text")
                }
                return found(
                    try Document(
                        conversations, of: text, with: tokenizer, format, validation: validation, length: contextLength)
                )
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
            return found(
                Document(
                    name: text.name, training: training, validation: validation,
                    // A token may have more bytes than the text that was normalized to it.
                    predictedBytes: max(1, text.text.utf8[middle...].count - first.count),
                    predictedCharacters: max(1, count - cut - Self.characters(in: first))))
        }
        self.documents = documents
        hashes = texts.map(\.sha256)
        learnedSpecialTokens = learned
        spelledToken = spelled
        end = encoding.end
        hasEnds = encoding.end.map(learnedSpecialTokens.contains) ?? false
    }

    /// The number of characters that begin in bytes of UTF-8.
    static func characters(in bytes: some Sequence<UInt8>) -> Int {
        // A loop over memory uses vector instructions; one over the bytes of a string does not.
        bytes.withContiguousStorageIfAvailable { $0.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) } }
            ?? bytes.count { $0 & 0xC0 != 0x80 }
    }

    /// The two parts of a text whose tokens are given.
    private static func document(
        _ ids: StoredTokens, of text: NamedText, with tokenizer: any Tokenizer, validation: Double, contextLength: Int,
        _ isSpecial: [Bool], _ learned: inout Set<Int32>
    ) throws -> Document {
        let cut = trainingLength(of: ids.count, validation: validation), bound = Int32(isSpecial.count)
        var bytes = 0, characters = 0
        // The bytes and characters of each token, computed once.
        var lengths = [(bytes: Int, characters: Int)?](repeating: nil, count: isSpecial.count)
        try ids.forEachBlock { position, block in
            for (offset, id) in block.enumerated() {
                guard id >= 0, id < bound else {
                    throw TrainingError.setting(
                        "\(text.name): the id \(UInt32(bitPattern: id)) at position \(position + offset) is not below \(bound), "
                            + "the vocabulary size of the tokenizer (\(tokenizer.kind)); give the tokenizer of the file"
                    )
                }
                if position + offset < cut {
                    if isSpecial[Int(id)] { learned.insert(id) }
                } else if position + offset > cut {
                    if lengths[Int(id)] == nil {
                        let token = tokenizer.bytes(of: id)
                        lengths[Int(id)] = (token.count, Self.characters(in: token))
                    }
                    bytes += lengths[Int(id)]?.bytes ?? 0
                    characters += lengths[Int(id)]?.characters ?? 0
                }
            }
        }
        guard cut > contextLength, ids.count - cut > 1 else {
            throw TrainingError.tooFewTokens(
                name: text.name, training: cut, validation: ids.count - cut, context: contextLength)
        }
        return Document(
            name: text.name, trainingIDs: ids.part(0..<cut), validationIDs: ids.part(cut..<ids.count),
            predictedBytes: bytes, predictedCharacters: characters)
    }

    /// The part of a text that is for training.
    static func trainingPart(of text: NamedText, validation: Double) -> Substring.UnicodeScalarView {
        let scalars = text.text.unicodeScalars
        return scalars.prefix(trainingLength(of: text, scalars.count, validation: validation))
    }

    /// How many of the `count` characters of a text are for training. A text of several documents is cut between two of them,
    /// unless the documents are joined texts: of a few long ones, that would leave out too much.
    static func trainingLength(of text: NamedText, _ count: Int, validation: Double) -> Int {
        let cut = trainingLength(of: count, validation: validation)
        guard let lengths = text.documentLengths, lengths.count > 1, text.documentNames == nil else { return cut }
        var end = lengths[0]
        for length in lengths[1..<(lengths.count - 1)] {
            // A shorter document after this one does not belong to the training part either.
            if end + length > cut { break }
            end += length
        }
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
    /// The windows are drawn in passes over the training parts (`WindowOrder`) and never run from one text into the next.
    /// Where they start is a function of the arguments alone, so a resumed run draws the windows that an uninterrupted one
    /// would have drawn.
    /// - Parameters:
    ///   - batch: B, the number of windows.
    ///   - length: T, the number of tokens of a window.
    ///   - seed: the seed of the run.
    ///   - step: the number of the step, from 0.
    ///   - microBatch: the number of the micro-batch of the step, from 0.
    ///   - microBatches: the number of micro-batches of each step.
    /// - Returns: inputs (B, T) and targets (B, T).
    public func batch(
        batch: Int, length: Int, seed: UInt64, step: Int, microBatch: Int, of microBatches: Int = 1
    ) -> (inputs: TokenBatch, targets: [Int32]) {
        if documents.contains(where: { $0.conversations != nil }) {
            return conversationBatch(batch: batch, length: length, seed: seed, step: step, microBatch: microBatch)
        }
        let starts = documents.map { max(0, $0.trainingIDs.count - length) }
        let order = WindowOrder(positions: starts.reduce(0, +), length: length, seed: seed)
        precondition(order.positions > 0, "no text is as long as a window")
        var inputs: [Int32] = []
        var targets: [Int32] = []
        inputs.reserveCapacity(batch * length)
        targets.reserveCapacity(batch * length)
        let first = (step * microBatches + microBatch) * batch
        for number in first..<first + batch {
            var start = order.start(of: number)
            var document = 0
            while start >= starts[document] {
                start -= starts[document]
                document += 1
            }
            let tokens = documents[document].trainingIDs.array(start..<start + length + 1)
            inputs += tokens.dropLast()
            targets += tokens.dropFirst()
        }
        return (TokenBatch(batch: batch, length: length, ids: inputs), targets)
    }
}

extension TokenDataset.Document {
    /// The parts of a text in memory.
    init(
        name: String, training: [Int32], validation: [Int32], predictedBytes: Int, predictedCharacters: Int,
        conversations: ConversationTargets? = nil
    ) {
        self.init(
            name: name, trainingIDs: StoredTokens(training), validationIDs: StoredTokens(validation),
            predictedBytes: predictedBytes, predictedCharacters: predictedCharacters, conversations: conversations)
    }

    /// The parts of a text in files.
    fileprivate init(_ document: TokenDirectory.Document) {
        self.init(
            name: document.name, trainingIDs: document.training, validationIDs: document.validation,
            predictedBytes: document.predictedBytes, predictedCharacters: document.predictedCharacters)
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
