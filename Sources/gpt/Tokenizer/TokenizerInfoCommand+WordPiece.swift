import GPTKit

extension TokenizerInfoCommand {
    /// What is particular to WordPiece.
    func wordPieceRows(_ tokenizer: WordPieceTokenizer) -> [[String]] {
        let prefix = tokenizer.vocabulary.continuingPrefix
        let continuing = (0..<Int32(tokenizer.vocabularySize)).count {
            tokenizer.vocabulary.token($0)?.utf8.starts(with: prefix.utf8) ?? false
        }
        return [
            [
                "tokens",
                "\(grouped(tokenizer.vocabulary.count)), of which \(grouped(continuing)) continue a word (\(escaped(prefix)))",
            ],
            ["normalized", tokenizer.normalization?.words ?? "no"],
            ["unknown", "\(escaped(tokenizer.unknownToken.text)) (\(tokenizer.unknownToken.id))"],
            ["special", Self.list(tokenizer.specialTokens)],
        ]
    }
}

extension BertNormalization {
    /// The steps in words.
    fileprivate var words: String {
        var steps: [String] = []
        if cleansText { steps.append("without control characters") }
        if separatesChineseCharacters { steps.append("Chinese characters are words") }
        if stripsAccents ?? lowercases { steps.append("without accents") }
        if lowercases { steps.append("lowercase") }
        return steps.isEmpty ? "no" : steps.joined(separator: ", ")
    }
}
