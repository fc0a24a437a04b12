import GPTKit
import TestSupport

/// Models for the commands to work on, made rather than trained.
enum Models {
    /// A text that a model of counts knows by heart, because it says the same again and again.
    static let verse = "tea for two\nand two for tea\n\n"

    /// Counts of the verse: its greedy continuation is the verse.
    static func parrot(in directory: TemporaryDirectory, text: String = verse) throws -> String {
        let tokenizer = CharacterTokenizer(alphabetOf: [text])
        let ids = try tokenizer.encode(String(repeating: text, count: 50))
        let model = try NGramModel(order: 20, vocabularySize: tokenizer.vocabularySize, documents: [ids])
        return try save(model, tokenizer, in: directory)
    }

    /// A transformer of char-small's kind with new weights: it writes anything.
    static func transformer(
        in directory: TemporaryDirectory, tokenizer: any Tokenizer = CharacterTokenizer(alphabetOf: [verse]),
        context: Int = 16, layers: Int = 2, width: Int = 32, change: (Transformer) -> Void = { _ in }
    ) throws -> String {
        let model = Transformer(
            TransformerConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: context, layers: layers, heads: 4, width: width
            ),
            seed: 1)
        change(model)
        return try save(model, tokenizer, in: directory)
    }

    static func save(
        _ model: any LanguageModel, _ tokenizer: any Tokenizer, in directory: TemporaryDirectory
    ) throws -> String {
        let path = directory.file("model")
        try ModelDirectory.save(model, tokenizer: tokenizer, to: path)
        return path
    }
}
