import Files
import Models
import Tokenizers

extension SavedModel {
    /// The tokenizer; nil if the model has none that can be used. If the system cannot read its file, that is an error, because
    /// the export would lack a tokenizer that exists.
    func tokenizerIfAny() throws(FileError) -> (any Tokenizer)? {
        do { return try tokenizer } catch let error as FileError { throw error } catch { return nil }
    }
}

/// What the files of a model say beside its weights, with which those of an export are compared: the tokenizer, the tokens that
/// begin, end and pad a text, the template of conversations.
///
/// What is compared is what other programs use: the number of tokens, the ids and texts of the special ones, the ids of a text
/// for each `TextFeature`. So an export is found to differ even if all of its tokens are those of the model.
package struct DescriptionCheck {
    private let tokenizer: (any Tokenizer)?
    private let description: ModelDescription

    /// - Throws: if the system cannot read the tokenizer.
    package init(_ saved: SavedModel) throws {
        tokenizer = try saved.tokenizerIfAny()
        description = saved.description
    }

    /// Compares an export that was read back.
    /// - Parameters:
    ///   - saved: the export.
    ///   - format: its format, which may not store everything.
    ///   - inexact: the features of texts that the format's tokenizer does not support as the original does.
    /// - Throws: `ExportDifference`.
    package func compare(
        with saved: SavedModel, format: ExportFormat, inexact: Set<TextFeature> = []
    ) throws(ExportDifference) {
        let expected = format == .gguf ? description.roles.storedInGGUF(with: tokenizer) : description.roles
        let roles = saved.description.roles
        try require("the token that begins a text", roles.beginning.list, expected.beginning.list)
        try require("the tokens that end a text", roles.ends, expected.ends)
        try require("the token that pads a text", roles.padding.list, expected.padding.list)
        try require("the tokens that are never generated", roles.suppressed, expected.suppressed)
        guard saved.description.chatTemplate == description.chatTemplate else {
            throw ExportDifference("read back, its chat template differs")
        }
        if let tokenizer {
            let read: any Tokenizer
            do { read = try saved.tokenizer } catch {
                throw ExportDifference("its tokenizer cannot be read back (\(error))")
            }
            try compare(tokenizer, with: read, format)
            try compareTexts(tokenizer, with: read, inexact)
            if format == .hf { try compareNames(tokenizer, with: saved.description, read) }
        }
    }

    private func require<Number: BinaryInteger>(
        _ what: String, _ found: [Number], _ expected: [Number]
    ) throws(ExportDifference) {
        func words(_ numbers: [Number]) -> String {
            numbers.isEmpty ? "none" : numbers.map { "\($0)" }.joined(separator: ", ")
        }
        guard found == expected else {
            throw ExportDifference("read back, \(what): \(words(found)) instead of \(words(expected))")
        }
    }

    /// Compares the tokens.
    private func compare(
        _ tokenizer: any Tokenizer, with read: any Tokenizer, _ format: ExportFormat
    ) throws(ExportDifference) {
        for id in 0..<Int32(tokenizer.vocabularySize) where tokenizer.bytes(of: id) != read.bytes(of: id) {
            throw ExportDifference("read back, its token \(id) differs")
        }
        var special = tokenizer.usedSpecialTokens
        if format == .gguf {
            if let reserved = description.roles.endReservedInGGUF(by: tokenizer) {
                special.append(SpecialToken(endOfTextSpelling, id: reserved))
            }
            special = special.map(\.storedInGGUF)
        }
        let size = max(tokenizer.vocabularySize, Int(special.last?.id ?? 0) + 1)
        try require("the number of tokens", [read.vocabularySize], [size])
        let found = read.usedSpecialTokens
        if let (other, token) = zip(found, special).first(where: { $0 != $1 }) {
            throw ExportDifference(
                other.id == token.id
                    ? "read back, the special token \(token.id), \(quoted(token.text)), differs"
                    : other.id < token.id
                        ? "read back, it has a special token \(other.id) that the model does not have"
                        : "read back, the special token \(token.id) is missing")
        }
        try require("the number of special tokens", [found.count], [special.count])
        try require("the tokens before a text", read.template.before, tokenizer.template.before)
        try require("the tokens after a text", read.template.after, tokenizer.template.after)
    }

    /// Compares the ids of texts.
    private func compareTexts(
        _ tokenizer: any Tokenizer, with read: any Tokenizer, _ inexact: Set<TextFeature>
    ) throws(ExportDifference) {
        let unknown = tokenizer.supportedCharacters?.first
        for feature in TextFeature.allCases where !inexact.contains(feature) {
            let text = feature.sample(for: tokenizer)
            func ids(_ tokenizer: any Tokenizer) throws -> [Int32] {
                try tokenizer.encode(text, special: .allowed, addingSpecialTokens: true, replacing: unknown)
            }
            let isEqual: Bool
            do { isEqual = try ids(tokenizer) == ids(read) } catch {
                throw ExportDifference("read back, its tokenizer does not encode \(quoted(text)) (\(error))")
            }
            guard isEqual else {
                throw ExportDifference("read back, its tokenizer encodes \(quoted(text)) differently")
            }
        }
    }

    /// Compares the texts of special tokens by the names that transformers knows them by.
    private func compareNames(
        _ tokenizer: any Tokenizer, with other: ModelDescription, _ read: any Tokenizer
    ) throws(ExportDifference) {
        let expected = description.tokenTexts(tokenizer), found = other.tokenTexts(read)
        for name in Set(expected.keys).union(found.keys).sorted() where expected[name] != found[name] {
            func words(_ text: String?) -> String { text.map { quoted($0) } ?? "none" }
            throw ExportDifference(
                "read back, the \(name) is \(words(found[name])) instead of \(words(expected[name]))")
        }
    }
}

extension Tokenizer {
    /// The special tokens by id. Of two with the same id, only the one that it decodes to can be written.
    fileprivate var usedSpecialTokens: [SpecialToken] {
        specialTokens.filter { specialToken($0.id) == $0 }.sorted { $0.id < $1.id }
    }
}

extension Int32? {
    fileprivate var list: [Int32] { map { [$0] } ?? [] }
}
