//! Counts the n-grams of a text, and measures how well they predict the rest of it.

import GPTKit

// snippet.count
let text = NamedText(name: "the play", text: BuiltInCorpus.text)
let tokenizer = CharacterTokenizer(alphabetOf: [text.text])
let data = try TokenDataset([text], tokenizer: tokenizer, contextLength: 1)

let document = data.documents[0]
for order in 1...7 {
    let model = try NGramModel(
        order: order, vocabularySize: tokenizer.vocabularySize, documents: [document.training])
    let total = model.negativeLogLikelihood(of: document.validation[...], after: document.training[...])
    print("order \(order): \(model.parameterCount) numbers, \(total / Double(document.validation.count)) nats")
}
// snippet.end

// snippet.ask
let trigrams = try NGramModel(
    order: 3, vocabularySize: tokenizer.vocabularySize, documents: data.documents.map(\.training))
let q = try tokenizer.encode("q"), u = try tokenizer.encode("u")
print("log P(u | q) = \(trigrams.logProbability(of: u[0], after: q[...]))")
// snippet.end
