import Models
import Tensors

/// Pairs as an encoder-decoder reads them.
struct PairBatch {
    let sources: TokenBatch
    /// The start token and all tokens of each target but the last.
    let inputs: TokenBatch
    /// All tokens of each target.
    let labels: [Int32]

    /// - Parameters:
    ///   - examples: the pairs, at least one.
    ///   - start: the token before a target.
    init(_ examples: [PairDataset.Example], start: Int32) {
        sources = TokenBatch(examples.map(\.source))
        inputs = TokenBatch(examples.map { [start] + $0.target.dropLast() })
        labels = examples.flatMap(\.target)
    }
}

extension EncoderDecoder {
    /// The sum of the losses of the tokens of targets, without label smoothing and dropout.
    func loss(of examples: [PairDataset.Example]) -> Evaluation {
        let batch = PairBatch(examples, start: configuration.startToken)
        return Evaluation(
            total: loss(batch.sources, batch.inputs, labels: batch.labels), count: batch.labels.count)
    }
}
