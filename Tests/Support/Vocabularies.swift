import Tokenizers

extension BPEVocabulary {
    /// The order of the 256 bytes.
    package enum Alphabet {
        /// By the characters that represent bytes in Hugging Face's files: `!` is the first, as in GPT-2.
        case printable
        /// By the bytes themselves, as in minbpe and rustbpe.
        case bytes
    }

    /// The 256 bytes, followed by a token for each pair of `pairs`, in order.
    package init(alphabet: Alphabet, merging pairs: [(left: Int32, right: Int32)]) throws(TokenizerError) {
        let visible = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
        let bytes = alphabet == .bytes ? Array(0...255) : visible + (0...255).filter { !visible.contains($0) }
        var tokens = bytes.map { [UInt8($0)] }
        var merges: [Merge] = []
        for (left, right) in pairs {
            merges.append(Merge(left: left, right: right, result: Int32(tokens.count)))
            tokens.append(tokens[Int(left)] + tokens[Int(right)])
        }
        try self.init(tokens: tokens, merges: merges)
    }
}
