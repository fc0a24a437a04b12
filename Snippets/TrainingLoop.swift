//! A training loop: a batch, the loss and its gradients, an update.

import GPTKit

import Platform

let text = NamedText(name: "the play", text: BuiltInCorpus.text)
let tokenizer = CharacterTokenizer(alphabetOf: [text.text])
let data = try TokenDataset([text], tokenizer: tokenizer, contextLength: 32)

// snippet.tokens
let ids = try tokenizer.encode("the cat")  // (T), T = 7: an id for each character
let back = tokenizer.decode(ids)  // "the cat"
// snippet.end
print(ids, back)

// snippet.model
let model = BigramModel(vocabularySize: tokenizer.vocabularySize, seed: 1)
let logits = model.logits(TokenBatch(ids))  // (B, T, V) = (1, 7, V)
// snippet.end
print(logits.shape)

// snippet.loop
let optimizer = Optimizer(model.parameters, settings: Optimizer.Settings(weightDecay: 0))
for step in 0..<500 {
    // (B, T) = (16, 32) each; the targets are the inputs, shifted by one position in the text.
    let (inputs, targets) = data.batch(batch: 16, length: 32, seed: 1, step: step, microBatch: 0)
    let total = model.loss(inputs, targets: targets, gradientScale: 1 / Float(targets.count))
    optimizer.update(learningRate: 0.03, gradientNorm: optimizer.gradientNorm())
    if step % 100 == 0 { print("step \(step): \(total / Double(targets.count)) nats") }
}
// snippet.end

// snippet.measure
let validation = data.documents[0].validation
let loss = model.evaluate(validation).loss  // nats per token
let perplexity = exp(loss)  // as uncertain as a choice among that many tokens
let bits = loss / log(2)  // per token; a token is a character here
// snippet.end
print("loss \(loss), perplexity \(perplexity), bits per character \(bits)")
