//! Learns a vocabulary of byte pairs from a text, and shows how it cuts another.
import Tokenizers

var pieces = PretokenCounter()
pieces.add("tea for two and two for tea", splitBy: .gpt2)
let learnt = try BPETrainer(vocabularySize: 262).train(pieces)

if let tokenizer = try learnt?.tokenizer(splitBy: .gpt2) {
    let ids = try tokenizer.encode("two teas", special: .plainText)
    print(ids.map { tokenizer.decode([$0]) })
}
