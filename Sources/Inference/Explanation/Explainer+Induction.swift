import Models

extension Explainer {
    /// The induction score of each head of each layer (`HeadScores`), which depends on the model alone.
    /// - Parameter seed: of the random tokens.
    /// - Returns: nil for an encoder-decoder, or if the context is too short.
    func inductionScores(seed: UInt64) -> [[Double]]? {
        guard model.encoderDecoder == nil else { return nil }
        let special = Set((tokenizer?.specialTokenIDs ?? []) + (tokenizer?.unassignedIDs ?? []))
        let candidates = (0..<Int32(tokenizer?.vocabularySize ?? model.vocabularySize)).filter { !special.contains($0) }
        guard let repeated = RepeatedTokens(candidates, contextLength: model.contextLength, seed: seed) else {
            return nil
        }
        var sums: [[Double]] = []
        for row in repeated.rows {
            _ = trace(Input(row)) { _, layer, map in
                let scores = map().inductionScores
                if layer == sums.count { sums.append(scores) } else { sums[layer] = zip(sums[layer], scores).map(+) }
            }
        }
        return sums.map { $0.map { $0 / Double(repeated.rows.count) } }
    }
}
