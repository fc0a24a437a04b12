import Corpus
import Files
import Inference
import Interchange
import Tokenizers

/// How a text becomes tokens, as a person asks for it.
public enum TokenizerSpecification: Sendable, Equatable {
    /// The characters of the text.
    case characters
    case bytes
    /// Byte pairs learnt from the training part of the text: so many tokens in all, `<|endoftext|>` among them.
    case bytePairs(Int)
    /// A published vocabulary, by its name.
    case published(PublishedEncoding)
    /// A file with a vocabulary, or the directory of a model.
    case file(String)

    /// What can be asked for, as help and errors name it.
    public static let forms = "char, byte, bpe:N, \(publishedNames), or a file (tokenizer.json or .tiktoken)"

    /// The names of the published vocabularies, as a list for people.
    public static let publishedNames = PublishedEncoding.allCases.map(\.name).joined(separator: ", ")

    /// Reads what a person has written: a name, or the path of what is there.
    /// - Parameters:
    ///   - text: what was written.
    ///   - forms: what errors say there is instead.
    /// - Throws: `TrainingError.setting`, naming what there is instead.
    public init(asked text: String, forms: String = Self.forms) throws(TrainingError) {
        if let known = Self(name: text) {
            self = known
        } else if text.hasPrefix("bpe:") || text == "bpe" {
            throw .setting(
                "'\(text)' has no valid vocabulary size: give a whole number between 257 and "
                    + "\(BPETrainer.greatestVocabulary), as in bpe:1024")
        } else if text.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") })
            || (try? Files.find(text)) ?? true
        {
            self = .file(Files.absolute(text))
        } else {
            throw .setting("unknown tokenizer '\(text)': choose from \(forms)")
        }
    }

    /// Reads what `description` gave.
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
            } else if let encoding = PublishedEncoding(name: name) {
                self = .published(encoding)
            } else {
                return nil
            }
        }
    }

    /// The tokenizer, made for some texts where it depends on them.
    /// - Parameters:
    ///   - texts: what will be encoded. Byte pairs are learnt from their training parts alone, as the model is.
    ///   - validation: the share of each that is for validation.
    ///   - notice: called with what takes a while, or is not as it was asked for.
    public func make(
        for texts: [NamedText], validation: Double, notice: (String) -> Void = { _ in }
    ) throws -> any Tokenizer {
        if self == .characters || isLearnt, let text = texts.first(where: { $0.tokens != nil }) {
            throw TrainingError.setting(
                "\(text.name) contains token ids without their vocabulary: give its tokenizer, for example gpt2")
        }
        switch self {
        case .characters: return CharacterTokenizer(alphabetOf: texts.map(\.text))
        case .bytes: return ByteTokenizer()
        case .published(let encoding):
            return try TokenizerLoader.published(encoding) { notice("Downloading \($0) ...") }
        case .file(let path): return try TokenizerLoader.read(path)
        case .bytePairs(let size):
            // One special token, that between texts, as the other kinds have it.
            let trainer = try BPETrainer(vocabularySize: size, specialTokens: [endOfTextSpelling])
            var pieces = PretokenCounter()
            for text in texts {
                pieces.add(String(TokenDataset.trainingPart(of: text, validation: validation)), splitBy: .gpt2)
            }
            guard let result = try trainer.train(pieces) else { return ByteTokenizer() }
            if result.tokens.count < size {
                notice(
                    "The vocabulary has \(result.tokens.count) tokens instead of \(size): the text has no more pairs to merge."
                )
            }
            return try result.tokenizer(splitBy: .gpt2)
        }
    }
}

extension TokenizerSpecification {
    /// As tables and names of directories show it: of a file the end of its path.
    public var name: String { name(components: 1) }

    private func name(components count: Int) -> String {
        guard case .file(let path) = self else { return description }
        let components = path.split(separator: "/")
        return components.isEmpty ? path : components.suffix(count).joined(separator: "/")
    }

    /// Names for several that are held against each other, no two alike: of files with the same name as much of their paths
    /// as tells them apart.
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
            // Two ways to write one path.
            names.append(names.contains(name) ? "\(name) (\(index + 1))" : name)
        }
        return names
    }
}

extension TokenizerSpecification {
    /// Whether it is made of the text's pairs.
    private var isLearnt: Bool { if case .bytePairs = self { true } else { false } }
}

extension TokenizerSpecification: CustomStringConvertible {
    /// As it is recorded with a run.
    public var description: String {
        switch self {
        case .characters: "char"
        case .bytes: "byte"
        case .bytePairs(let size): "bpe:\(size)"
        case .published(let encoding): encoding.name
        case .file(let path): "file:\(path)"
        }
    }
}
