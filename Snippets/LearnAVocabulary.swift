//! Trains a byte-pair vocabulary on a text, and prints the tokens of another text.
import Tokenizers

var pretokens = PretokenCounter()
pretokens.add("tea for two and two for tea", splitBy: .gpt2)
let trained = try BPETrainer(vocabularySize: 262).train(pretokens)

if let tokenizer = try trained?.tokenizer(splitBy: .gpt2) {
    let ids = try tokenizer.encode("two teas", special: .plainText)
    print(ids.map { tokenizer.decode([$0]) })
}
