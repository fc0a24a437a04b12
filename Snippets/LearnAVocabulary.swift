//! Learns a vocabulary of byte pairs from a text, and shows how it cuts another.
import Tokenizers

var pieces = PieceCounter()
pieces.add("tea for two and two for tea", cutBy: .gpt2)
let learnt = try BPETrainer(vocabularySize: 262).train(pieces)

if let tokenizer = try learnt?.tokenizer(cutBy: .gpt2) {
    let ids = try tokenizer.encode("two teas", special: .plainText)
    print(ids.map { tokenizer.decode([$0]) })
}
