import Layers
import Platform
import Tensors

/// The attention probabilities of one layer for one text: how much each position attends to each other position.
///
///     p = softmax(mask(Q K' / sqrt(size)))     for each head
///
/// They are computed in double precision from the queries and keys that the model computes, and are those that Hugging Face's
/// transformers return for `output_attentions`.
public struct AttentionMap: Sendable {
    /// The number of heads.
    public let heads: Int
    /// T, the number of positions that attend.
    public let queries: Int
    /// S, the number of positions that they attend to.
    public let keys: Int
    /// (heads, T, S): for each head and query the probabilities of the keys, which add up to 1.
    public let probabilities: [Double]

    /// The probability that a head gives to a key for a query.
    public subscript(head: Int, query: Int, key: Int) -> Double {
        probabilities[(head * queries + query) * keys + key]
    }

    /// - Parameters:
    ///   - attention: the op.
    ///   - inputs: its inputs, of one sequence.
    fileprivate init(_ attention: Attention, _ inputs: [Tensor]) {
        let (B, T, width) = inputs[0].shape.three
        precondition(B == 1, "attention of several sequences")
        heads = attention.heads
        queries = T
        keys = inputs.count == 1 ? T : inputs[1].shape[1]
        let isFused = inputs.count == 1, group = heads / attention.keyValueHeads
        let size = width / (isFused ? heads + 2 * attention.keyValueHeads : heads)
        let (q, k) = (inputs[0].values, inputs[isFused ? 0 : 1].values)
        let keyWidth = isFused ? width : inputs[1].shape.columns, firstKey = isFused ? heads * size : 0
        let scale = 1 / Double(size).squareRoot()
        var probabilities: [Double] = []
        probabilities.reserveCapacity(heads * T * keys)
        for head in 0..<heads {
            for query in 0..<T {
                let last = attention.mask == .causal ? query : keys - 1
                var scores = (0...last).map { key in
                    let (a, b) = (query * width + head * size, key * keyWidth + firstKey + head / group * size)
                    let product = (0..<size).reduce(0.0) { $0 + Double(q[a + $1]) * Double(k[b + $1]) }
                    return product * scale - Double(attention.slopes?[head] ?? 0) * Double(abs(query - key))
                }
                let highest = scores.max() ?? 0
                for key in scores.indices { scores[key] = exp(scores[key] - highest) }
                let total = scores.reduce(0, +)
                probabilities += scores.map { $0 / total }
                probabilities += repeatElement(0, count: keys - 1 - last)
            }
        }
        self.probabilities = probabilities
    }

    /// The maps of all attention ops that a model applies, in order.
    fileprivate static func maps(_ run: (ForwardPass) -> Void) -> [AttentionMap] {
        let observer = AttentionObserver()
        run(ForwardPass(.observing(observer)))
        return observer.maps
    }
}

/// Computes the map of each attention op when it is applied.
private final class AttentionObserver: TapeObserver {
    var maps: [AttentionMap] = []

    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable) {
        guard let attention = operation as? Attention else { return }
        maps.append(AttentionMap(attention, inputs.map(\.value)))
    }
}

extension NeuralLanguageModel {
    /// The attention probabilities of each layer for a text. A position attends to itself and those before it.
    /// - Parameter tokens: at least one token, and at most as many as the context has.
    public func attentionMaps(_ tokens: [Int32]) -> [AttentionMap] {
        precondition(!tokens.isEmpty && tokens.count <= contextLength ?? .max, "a text of \(tokens.count) tokens")
        return AttentionMap.maps { _ = hidden(TokenBatch(tokens), $0, cache: nil) }
    }
}

extension Encoder {
    /// The attention probabilities of each layer for a text. Each position attends to all positions.
    /// - Parameters:
    ///   - tokens: at least one token, and at most as many as the context has.
    ///   - types: the type of each token; nil for type 0.
    public func attentionMaps(_ tokens: [Int32], types: [Int32]? = nil) -> [AttentionMap] {
        precondition(!tokens.isEmpty && tokens.count <= configuration.contextLength, "a text of \(tokens.count) tokens")
        return AttentionMap.maps { _ = hidden(TokenBatch(tokens), types: types, $0) }
    }
}

extension EncoderDecoder {
    /// The attention probabilities of a source and a target.
    public struct AttentionMaps: Sendable {
        /// Of each layer of the encoder: the source attends to itself.
        public let encoder: [AttentionMap]
        /// Of each layer of the decoder: each position of the target attends to itself and those before it.
        public let decoder: [AttentionMap]
        /// Of each layer of the decoder: the positions of the target attend to the source.
        public let cross: [AttentionMap]
    }

    /// The attention probabilities of a source and a target.
    /// - Parameters:
    ///   - source: at least one token, and at most as many as the context has.
    ///   - target: the start token and the tokens of the target, at most as many as the context has.
    public func attentionMaps(_ source: [Int32], target: [Int32]) -> AttentionMaps {
        let lengths = 1...configuration.contextLength
        precondition(lengths ~= source.count && lengths ~= target.count, "\(source.count) and \(target.count) tokens")
        let maps = AttentionMap.maps { pass in
            let memories = memories(of: encode(TokenBatch(source), pass), lengths: nil, pass)
            _ = decode(TokenBatch(target), memories, pass)
        }
        let layers = encoderBlocks.count, decoder = maps[layers...]
        // In each layer of the decoder self-attention comes first.
        func every(second offset: Int) -> [AttentionMap] {
            stride(from: layers + offset, to: decoder.endIndex, by: 2).map { maps[$0] }
        }
        return AttentionMaps(encoder: Array(maps[..<layers]), decoder: every(second: 0), cross: every(second: 1))
    }
}
