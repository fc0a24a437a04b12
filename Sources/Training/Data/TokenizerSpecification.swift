import Corpus
import Files
import Inference
import Interchange
import Tokenizers

/// The choice of a tokenizer, as the user specifies it.
public enum TokenizerSpecification: Sendable, Equatable {
    /// One token per character of the text.
    case characters
    case bytes
    /// Byte-pair encoding trained on the training part of the text. The value is the vocabulary size, including
    /// `<|endoftext|>`.
    case bytePairs(Int)
    /// WordPiece trained on the training part of the text, in lower case and without accents. The value is the vocabulary size,
    /// including the special tokens.
    case wordPiece(Int)
    /// A published vocabulary.
    case published(PublishedEncoding)
    /// The path of a vocabulary file or of a model directory.
    case file(String)

    /// The valid specifications, as listed in help and error messages.
    public static let forms =
        "char, byte, bpe:N, wordpiece:N, \(publishedNames), or a file (tokenizer.json or .tiktoken)"

    /// The names of the published vocabularies, separated by commas.
    public static let publishedNames = PublishedEncoding.allCases.map(\.name).joined(separator: ", ")

    /// Parses a specification given by the user: a name, or the path of an existing file or directory.
    /// - Parameters:
    ///   - text: the specification.
    ///   - forms: the valid specifications, for error messages.
    /// - Throws: `TrainingError.setting`, which lists the valid specifications.
    public init(asked text: String, forms: String = Self.forms) throws(TrainingError) {
        if let known = Self(name: text) {
            self = known
        } else if text.hasPrefix("bpe:") || text == "bpe" {
            throw .setting(
                "'\(text)' has no valid vocabulary size: give a whole number between 257 and "
                    + "\(BPETrainer.greatestVocabulary), as in bpe:1024")
        } else if text.hasPrefix("wordpiece:") || text == "wordpiece" {
            let sizes = WordPieceTrainer.sizes
            throw .setting(
                "'\(text)' has no valid vocabulary size: give a whole number between \(sizes.lowerBound) and "
                    + "\(sizes.upperBound), as in wordpiece:1024")
        } else if text.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") })
            || (try? Files.find(text)) ?? true
        {
            self = .file(Files.absolute(text))
        } else {
            throw .setting("unknown tokenizer '\(text)': choose from \(forms)")
        }
    }

    /// Parses the value of `description`.
    init?(recorded text: String) {
        if text.hasPrefix("file:") {
            self = .file(String(text.dropFirst("file:".count)))
        } else if let known = Self(name: text) {
            self = known
        } else {
            return nil
        }
    }

    private init?(name: String) {
        switch name {
        case "char": self = .characters
        case "byte": self = .bytes
        default:
            if name.hasPrefix("bpe:") {
                guard let size = Int(name.dropFirst(4)), (257...BPETrainer.greatestVocabulary).contains(size) else {
                    return nil
                }
                self = .bytePairs(size)
            } else if name.hasPrefix("wordpiece:") {
                guard let size = Int(name.dropFirst(10)), WordPieceTrainer.sizes.contains(size) else { return nil }
                self = .wordPiece(size)
            } else if let encoding = PublishedEncoding(name: name) {
                self = .published(encoding)
            } else {
                return nil
            }
        }
    }

    /// Creates the tokenizer. A character, byte-pair or WordPiece tokenizer is created from the texts.
    /// - Parameters:
    ///   - texts: the texts that will be encoded. Vocabularies are trained on their training parts only, like the
    ///     model.
    ///   - validation: the fraction of each text that is used for validation.
    ///   - special: how special tokens that a text spells are encoded. A tokenizer is not trained on the letters of those that are
    ///     not plain text.
    ///   - notice: called with a message before a slow step, or if the result differs from the specification.
    public func make(
        for texts: [NamedText], validation: Double, special: SpecialTokenTreatment = .text,
        notice: (String) -> Void = { _ in }
    ) throws -> any Tokenizer {
        func pieces(_ text: String) -> [Substring] {
            special == .text ? [text[...]] : text.pieces(between: endOfTextSpelling)
        }
        if self == .characters || isLearnt, let text = texts.first(where: { $0.tokenIDs != nil }) {
            throw TrainingError.setting(
                "\(text.name) contains token ids without their vocabulary: give its tokenizer, for example gpt2")
        }
        switch self {
        case .characters:
            return CharacterTokenizer(
                alphabetOf: try texts.map { text in
                    guard let long = text.long else { return pieces(text.text).joined() }
                    var characters = String.UnicodeScalarView()
                    if special == .text {
                        characters.append(contentsOf: long.alphabet)
                    } else {
                        try long.forEachText(
                            splitPoint: { SplitPattern.gpt2.splitPoint(in: $0) }, keepingWhole: [endOfTextSpelling]
                        ) { text in
                            characters.append(
                                contentsOf: Set(pieces(text).joined().unicodeScalars).subtracting(characters))
                        }
                    }
                    return String(characters)
                })
        case .bytes: return ByteTokenizer()
        case .published(let encoding):
            return try TokenizerLoader.published(encoding) { notice("Downloading \($0) ...") }
        case .file(let path): return try TokenizerLoader.read(path)
        case .bytePairs(let size):
            // The only special token is the one between texts, as in the other kinds of tokenizers.
            let trainer = try BPETrainer(vocabularySize: size, specialTokens: [endOfTextSpelling])
            var counter = PretokenCounter()
            for text in texts {
                try TrainingSample(
                    text, validation: validation, keepingWhole: special == .text ? [] : [endOfTextSpelling]
                )
                .forEachPart(notice: notice) { part in
                    for piece in pieces(part) { counter.add(String(piece), splitBy: .gpt2) }
                }
            }
            guard let result = try trainer.train(counter) else { return ByteTokenizer() }
            if result.tokens.count < size {
                notice(
                    "The vocabulary has \(result.tokens.count) tokens instead of \(size): the text has no more pairs to merge."
                )
            }
            return try result.tokenizer(splitBy: .gpt2)
        case .wordPiece(let size):
            let trainer = try WordPieceTrainer(vocabularySize: size)
            var words = PretokenCounter()
            for text in texts {
                try TrainingSample(text, validation: validation).forEachPart(notice: notice) { part in
                    words.add(wordsOf: part, normalization: trainer.normalization)
                }
            }
            guard let result = try trainer.train(words) else { return ByteTokenizer() }
            if result.tokens.count < size {
                notice(
                    "The vocabulary has \(result.tokens.count) tokens instead of \(size): the text has no more pairs to merge."
                )
            }
            return try result.tokenizer()
        }
    }
}

extension TokenizerSpecification {
    /// The name in tables and directory names: for a file, the last component of its path.
    public var name: String { name(components: 1) }

    private func name(components count: Int) -> String {
        guard case .file(let path) = self else { return description }
        let components = path.split(separator: "/")
        return components.isEmpty ? path : components.suffix(count).joined(separator: "/")
    }

    /// Returns distinct names for several tokenizers. Files with the same name get as many components of their paths as
    /// are needed to distinguish them.
    public static func names(of choices: [TokenizerSpecification]) -> [String] {
        var names: [String] = []
        for (index, choice) in choices.enumerated() {
            let others = choices.enumerated().filter { $0.offset != index }.map(\.element)
            var count = 1
            var name = choice.name
            while others.contains(where: { $0.name(components: count) == name }),
                choice.name(components: count + 1) != name
            {
                count += 1
                name = choice.name(components: count)
            }
            // The same file, given by two different paths.
            names.append(names.contains(name) ? "\(name) (\(index + 1))" : name)
        }
        return names
    }
}

extension TokenizerSpecification {
    /// Whether the tokenizer is trained on the text.
    private var isLearnt: Bool {
        switch self {
        case .bytePairs, .wordPiece: true
        case .characters, .bytes, .published, .file: false
        }
    }
}

extension TokenizerSpecification: CustomStringConvertible {
    /// The form that is recorded with a run.
    public var description: String {
        switch self {
        case .characters: "char"
        case .bytes: "byte"
        case .bytePairs(let size): "bpe:\(size)"
        case .wordPiece(let size): "wordpiece:\(size)"
        case .published(let encoding): encoding.name
        case .file(let path): "file:\(path)"
        }
    }
}
