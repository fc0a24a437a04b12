import GPTKit

extension TokenizerTrainCommand {
    func wordPieceTrainer() throws -> WordPieceTrainer {
        try WordPieceTrainer(
            vocabularySize: vocabulary, minimumFrequency: minFrequency,
            normalization: BertNormalization(lowercases: !cased))
    }

    func trainWordPiece(_ progress: TokenizerTrainProgress) throws {
        let trainer = try wordPieceTrainer()
        let begin = ContinuousClock.now
        // No word of any pattern extends over white space.
        let words = try read(splitPoint: { SplitPattern.gpt2.splitPoint(in: $0) }, progress) { block, words in
            words.add(wordsOf: block, normalization: trainer.normalization)
        }
        let result = try trainer.train(words) { id, count in
            progress.report(id, count, of: vocabulary)
            return true
        }
        guard let result else { return }
        try save(try result.tokenizer())
        progress.finish()
        try describe(
            Summary(
                size: result.tokens.count, merges: result.mergeCount,
                last: result.mergeCount > 0 ? result.tokens.last : nil,
                lastCount: result.lastCount), words, seconds: (ContinuousClock.now - begin) / .seconds(1))
    }
}
