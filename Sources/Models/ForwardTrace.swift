import Layers
import Tensors

/// What a model computes for one sequence on the way to its result.
package struct ForwardTrace: Sendable {
    /// The residual stream (1, T, C): after the embeddings, and after each block. A model without blocks has none.
    package let residuals: [Tensor]
    /// The last hidden vectors (1, T, C), from which the logits are computed. These are the last of `residuals`, or their norm
    /// in a model with a final norm.
    package let output: Tensor

    /// Called with each attention op that is applied.
    /// - Parameters:
    ///   - number: the number of the op in the order of the model, from 0.
    ///   - map: computes its map.
    package typealias AttentionHandler = (_ number: Int, _ map: () -> AttentionMap) -> Void

    /// Runs a model on a tape that is observed.
    fileprivate init(
        decoding: Bool = false, _ onAttention: @escaping AttentionHandler, _ run: (ForwardPass) -> Variable
    ) {
        let observer = ForwardObserver(onAttention)
        output = run(ForwardPass(.observing(observer, decoding: decoding))).value
        residuals = observer.residuals
    }

    private init(residuals: [Tensor], output: Tensor) { (self.residuals, self.output) = (residuals, output) }

    /// Divides the trace of two networks. The first network has `layers` blocks.
    fileprivate func split(after layers: Int) -> (ForwardTrace, ForwardTrace) {
        let first = Array(residuals.prefix(layers + 1))
        return (
            ForwardTrace(residuals: first, output: first[layers]),
            ForwardTrace(residuals: Array(residuals.dropFirst(layers + 1)), output: output)
        )
    }
}

/// Collects the residual stream, and reports each attention op.
final class ForwardObserver: TapeObserver {
    private(set) var residuals: [Tensor] = []
    private var count = 0
    private let onAttention: ForwardTrace.AttentionHandler

    init(_ onAttention: @escaping ForwardTrace.AttentionHandler) { self.onAttention = onAttention }

    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable) {
        guard let attention = operation as? Attention else { return }
        onAttention(count) { AttentionMap(attention, inputs.map(\.value)) }
        count += 1
    }

    func didReach(residual: Variable) { residuals.append(residual.value) }
}

extension NeuralLanguageModel {
    /// What the model computes for a text, with the numbers of the execution's weight format.
    /// - Parameters:
    ///   - tokens: at least one token, and at most as many as the context has.
    ///   - onAttention: called with the attention of each layer, in order.
    package func trace(_ tokens: [Int32], onAttention: @escaping ForwardTrace.AttentionHandler) -> ForwardTrace {
        ForwardTrace(decoding: Execution.current.weightFormat.productPrecision == nil, onAttention) {
            hidden(TokenBatch(tokens), $0, cache: nil)
        }
    }

    /// The residual stream x (1, T, C) after any block as the last hidden vectors would be if it were the last block.
    package func finalHidden(_ x: Tensor) -> Tensor {
        guard let transformer = self as? Transformer else { return x }
        return transformer.finalNorm(Variable(x, needsGradient: false), ForwardPass(.inference)).value
    }

    /// The logits (T, V) of last hidden vectors, for as many rows as `logits(_:)` bit for bit as that computes them.
    package func logits(ofHidden x: Tensor) -> Tensor {
        let logits = classifier.map { DecodingProduct.apply(x, $0, transposed: true) } ?? x
        return logits.reshaped([x.shape.rows, vocabularySize])
    }
}

extension Encoder {
    /// What the model computes for a text, or for two.
    /// - Parameters:
    ///   - tokens: at least one token, and at most as many as the context has.
    ///   - types: the type of each token; nil for type 0.
    ///   - onAttention: called with the attention of each layer, in order.
    package func trace(
        _ tokens: [Int32], types: [Int32]?, onAttention: @escaping ForwardTrace.AttentionHandler
    ) -> ForwardTrace {
        ForwardTrace(onAttention) { hidden(TokenBatch(tokens), types: types, $0) }
    }
}

extension EncoderDecoder {
    /// What the model computes for a source and a target: the encoder, and the decoder.
    /// - Parameters:
    ///   - source: at least one token, and at most as many as the context has.
    ///   - target: the start token and the tokens of the target, at most as many as the context has.
    ///   - onAttention: called with the attention of each layer of the encoder; then of each layer of the decoder, first to the
    ///     target and then to the source.
    package func trace(
        _ source: [Int32], target: [Int32], onAttention: @escaping ForwardTrace.AttentionHandler
    ) -> (encoder: ForwardTrace, decoder: ForwardTrace) {
        let trace = ForwardTrace(onAttention) { pass in
            let memories = memories(of: encode(TokenBatch(source), pass), lengths: nil, pass)
            return decode(TokenBatch(target), memories, pass)
        }
        return trace.split(after: encoderBlocks.count)
    }
}
