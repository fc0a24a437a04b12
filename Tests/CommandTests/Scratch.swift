import GPTKit
import TestSupport
import Testing

@Test func scratch() throws {
    let text = try TinyText.text()
    let t = CharacterTokenizer(alphabetOf: [text])
    func save(_ m: any LanguageModel, _ t: any Tokenizer, _ p: String) throws {
        try ModelDirectory.save(m, tokenizer: t, to: "/tmp/models/" + p)
    }
    try save(NGramModel(order: 7, vocabularySize: t.vocabularySize, documents: [t.encode(text)]), t, "ngram")
    try save(
        NGramModel(order: 7, vocabularySize: 257, documents: [ByteTokenizer().encode(text)]), ByteTokenizer(),
        "ngram-bytes")
    try save(BigramModel(vocabularySize: t.vocabularySize, seed: 1), t, "bigram")
    try save(
        AttentionModel(.init(vocabularySize: t.vocabularySize, contextLength: 32, width: 32), seed: 1), t, "attention")
    try save(
        Transformer(
            .init(vocabularySize: t.vocabularySize, contextLength: 64, layers: 4, heads: 4, width: 128), seed: 1), t,
        "char-small")
    try save(
        Transformer(.init(vocabularySize: 257, contextLength: 256, layers: 6, heads: 6, width: 384), seed: 1),
        ByteTokenizer(), "char-base")
}
enum TinyText {
    static func text() throws -> String {
        String(decoding: try Fixtures.bytes("/work/shared/data/tinyshakespeare.txt"), as: UTF8.self)
    }
}
