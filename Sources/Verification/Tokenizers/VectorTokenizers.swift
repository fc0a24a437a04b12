import Files
import Inference
import Tokenizers

/// The tokenizers that the vectors of a file are for, each loaded once.
package struct VectorTokenizers {
    private let vocabularies: String?
    private let unnamed: (any Tokenizer)?
    private let file: String
    private var loaded: [String?: Result<any Tokenizer, any Error>] = [:]

    /// - Parameters:
    ///   - vocabularies: the directory with the files of published vocabularies; nil for where `TokenizerLoader` finds them.
    ///   - unnamed: the tokenizer for vectors that name no encoding; nil for the tokenizer.json beside the file.
    ///   - file: the file with the vectors.
    package init(vocabularies: String?, unnamed: (any Tokenizer)?, vectors file: String) {
        self.vocabularies = vocabularies
        self.unnamed = unnamed
        self.file = file
    }

    /// The tokenizer of an encoding, or that of vectors that name none; or the error, which is a
    /// `VectorOutcome.SkipReason` where it is missing.
    mutating func tokenizer(_ name: String?) -> Result<any Tokenizer, any Error> {
        if let known = loaded[name] { return known }
        let result = Result { try load(name) }
        loaded[name] = result
        return result
    }

    private func load(_ name: String?) throws -> any Tokenizer {
        guard let name else {
            if let unnamed { return unnamed }
            let path = Files.parent(of: file) + "/" + TokenizerFile.name
            guard Files.exists(path) else { throw VectorOutcome.SkipReason.noTokenizer(path) }
            return try TokenizerLoader.read(path)
        }
        guard let encoding = PublishedEncoding(rawValue: name) else {
            throw VectorOutcome.SkipReason.unknownEncoding(name)
        }
        guard TokenizerLoader.isKept(encoding, folder: vocabularies) else {
            throw VectorOutcome.SkipReason.noVocabulary(encoding.name)
        }
        return try TokenizerLoader.published(encoding, folder: vocabularies, mayDownload: false)
    }
}
