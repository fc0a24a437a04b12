import Layers
import Models
import Tensors

extension ONNXCheck {
    /// The check of an encoder: a padded batch of sequences of different lengths, and one without padding.
    /// - Parameters:
    ///   - model: the model that was exported.
    ///   - graph: its graph.
    ///   - path: the path of the file in errors.
    package init(_ model: Encoder, _ graph: Graph, path: String) {
        self.init(graph, path: path) { interpreter in
            let context = model.configuration.contextLength
            return try [[5, 2, 7], [3]].map { lengths in
                let batch = PaddedTokens(
                    lengths: lengths.map { min($0, context) }, vocabularySize: model.vocabularySize)
                let types = batch.tokens.ids.indices.map { Int32($0 % model.configuration.tokenTypes) }
                let outputs = try interpreter.run([
                    "input_ids": batch.padded(batch.tokens.ids), "token_type_ids": batch.padded(types),
                    "attention_mask": batch.mask,
                ])
                return try model.outputs(batch.tokens, types: types, ForwardPass(.inference)).map { name, expected in
                    try Self.difference(interpreter, outputs, name, expected.value, batch)
                }.max() ?? 0
            }.max() ?? 0
        }
    }

    /// Compares an output for a padded batch: (B, T, ...) for vectors of tokens, (B, ...) for those of sequences.
    static func difference(
        _ interpreter: ONNXInterpreter, _ outputs: [String: ONNXInterpreter.Array], _ name: String, _ expected: Tensor,
        _ batch: PaddedTokens
    ) throws -> Float {
        let (B, T, C) = (batch.tokens.batch, batch.tokens.length, expected.shape.columns)
        let isOfTokens = expected.shape.rank == 3
        let actual = try interpreter.floats(name, in: outputs, shape: isOfTokens ? [B, T, C] : [B, C])
        return try difference(isOfTokens ? batch.rows(of: actual) : actual, expected, name)
    }
}

/// Sequences of different lengths, and the same as a batch that is padded at its ends.
struct PaddedTokens {
    let tokens: TokenBatch

    /// Sequences of ids from all of a vocabulary.
    init(lengths: [Int], vocabularySize: Int) {
        let lengths = SequenceLengths(lengths)
        tokens = TokenBatch(lengths, ids: (0..<lengths.rows).map { Int32(($0 * 7919 + 13) % vocabularySize) })
    }

    init(_ tokens: TokenBatch) { self.tokens = tokens }

    /// The row of each token in the padded batch.
    private var rows: [Int] {
        (0..<tokens.batch).flatMap { b in
            tokens.rows(of: b).indices.map { b * tokens.length + $0 - tokens.rows(of: b).lowerBound }
        }
    }

    /// A number for each token, padded with 0.
    func padded(_ numbers: [Int32]) -> ONNXInterpreter.Array {
        var padded = [Int](repeating: 0, count: tokens.batch * tokens.length)
        for (row, number) in zip(rows, numbers) { padded[row] = Int(number) }
        return .integers(padded, shape: [tokens.batch, tokens.length])
    }

    /// 1 for tokens, and 0 for padding.
    var mask: ONNXInterpreter.Array { padded(tokens.ids.map { _ in 1 }) }

    /// The vectors of the tokens in those of a padded batch: (B, T, C) to (1, N, C).
    func rows(of padded: Tensor) -> Tensor {
        let C = padded.shape.columns, values = padded.values
        return Tensor([1, rows.count, C], rows.flatMap { values[$0 * C..<($0 + 1) * C] })
    }
}
