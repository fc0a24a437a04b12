extension BPETokenizer {
    /// A token as it stands in the vocabulary of a `tokenizer.json`: its bytes as visible characters, such as `Ġthe`.
    public func symbols(of id: Int32) -> String {
        specialToken(id)?.text ?? ByteSymbols.symbols(of: vocabulary.bytes(of: id))
    }
}
