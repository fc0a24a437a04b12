import StrictJSON

extension BPEVocabulary {
    /// The vocabulary in the two files of GPT-2: `vocab.bpe`, a comment and then a merge on each line, and `encoder.json`, the id
    /// of each token. Both represent bytes as visible characters.
    ///
    /// As in tiktoken, the first 256 ids are the bytes in the order of their characters, and the merged tokens follow.
    /// - Parameters:
    ///   - merges: the contents of `vocab.bpe`.
    ///   - ids: the contents of `encoder.json`.
    ///   - files: the names of the files in errors.
    /// - Throws: `TokenizerError.unreadable` if a file is invalid, or if the two contradict each other.
    public init(
        gpt2Merges merges: [UInt8], ids: [UInt8], files: (merges: String, ids: String) = ("vocab.bpe", "encoder.json")
    ) throws(TokenizerError) {
        var tokens = ByteSymbols.bytesBySymbol.map { [$0] }
        for (number, line) in merges.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            if line.isEmpty || (number == 0 && line.starts(with: "#version".utf8)) { continue }
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, let left = ByteSymbols.bytes(of: parts[0]),
                let right = ByteSymbols.bytes(of: parts[1])
            else {
                throw .unreadable(
                    file: files.merges, reason: "line \(number + 1): expected two tokens with a space between them")
            }
            tokens.append(left + right)
        }
        do {
            try self.init(rankedTokens: tokens)
        } catch .vocabulary(let reason) {
            throw .unreadable(file: files.merges, reason: reason)
        }

        let json: JSON
        do {
            json = try JSON(parsing: ids)
        } catch {
            throw .unreadable(file: files.ids, reason: error.description)
        }
        guard let object = json.objectValue else {
            throw .unreadable(file: files.ids, reason: "expected an object, found \(json.kind)")
        }
        var listed = 0
        for (symbols, value) in object where !symbols.utf8.elementsEqual(endOfTextSpelling.utf8) {
            guard let bytes = ByteSymbols.bytes(of: Array(symbols.utf8)[...]), let id = value.intValue,
                self.id(of: bytes).map(Int.init) == id
            else {
                throw .unreadable(
                    file: files.ids,
                    reason: "the token \(quoted(symbols)) does not have the same id as in \(files.merges)")
            }
            listed += 1
        }
        guard listed == count else {
            throw .unreadable(file: files.ids, reason: "it has \(listed) tokens, but \(files.merges) has \(count)")
        }
    }
}
