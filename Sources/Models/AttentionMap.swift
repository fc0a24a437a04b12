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
    init(_ attention: Attention, _ inputs: [Tensor]) {
        let (B, T, width) = inputs[0].shape.three
        precondition(B == 1, "attention of several sequences")
        let isFused = inputs.count == 1, S = isFused ? T : inputs[1].shape[1], heads = attention.heads
        let size = width / (isFused ? heads + 2 * attention.keyValueHeads : heads)
        let scores = Scores(
            size: size, keys: S, isCausal: attention.mask == .causal, slopes: attention.slopes,
            transposed: Self.transposed(
                inputs[isFused ? 0 : 1], from: isFused ? heads * size : 0, columns: attention.keyValueHeads * size))
        let group = heads / attention.keyValueHeads, blocks = (T + Self.block - 1) / Self.block
        probabilities = [Double](unsafeUninitializedCapacity: heads * T * S) { rows, count in
            // Each item writes rows of its own.
            nonisolated(unsafe) let rows = rows
            let queries = inputs[0]
            Execution.current.forEach(below: heads * blocks) { item in
                let head = item / blocks, first = item % blocks * Self.block
                queries.withElements { q in
                    for query in first..<min(first + Self.block, T) {
                        let start = (head * T + query) * S
                        let vector = UnsafeBufferPointer(rebasing: q[(query * width + head * size)...].prefix(size))
                        scores.softmax(
                            vector, head: head, keyValueHead: head / group, query: query,
                            into: UnsafeMutableBufferPointer(rebasing: rows[start..<start + S]))
                    }
                }
            }
            count = heads * T * S
        }
        (self.heads, queries, keys) = (heads, T, S)
    }

    /// The number of queries of an item of work.
    private static let block = 32

    /// Some columns of the rows of a tensor (1, S, width) in double precision, transposed: (columns, S).
    private static func transposed(_ x: Tensor, from first: Int, columns: Int) -> [Double] {
        let S = x.shape[1], width = x.shape.columns
        return x.withElements { x in
            [Double](unsafeUninitializedCapacity: columns * S) { result, count in
                for key in 0..<S {
                    for column in 0..<columns { result[column * S + key] = Double(x[key * width + first + column]) }
                }
                count = columns * S
            }
        }
    }
}

/// Computes rows of probabilities. The products of a query with all keys are computed side by side, each in the order of the
/// components.
private struct Scores: Sendable {
    let size: Int
    let keys: Int
    let isCausal: Bool
    let slopes: [Float]?
    /// The keys (keyValueHeads size, S).
    let transposed: [Double]

    func softmax(
        _ q: UnsafeBufferPointer<Float>, head: Int, keyValueHead: Int, query: Int,
        into row: UnsafeMutableBufferPointer<Double>
    ) {
        let count = isCausal ? query + 1 : keys, scale = 1 / Double(size).squareRoot()
        row.update(repeating: 0)
        transposed.withUnsafeBufferPointer { k in
            for component in 0..<size {
                let a = Double(q[component]), start = (keyValueHead * size + component) * keys
                let column = UnsafeBufferPointer(rebasing: k[start..<start + count])
                for key in 0..<count { row[key] += a * column[key] }
            }
        }
        let slope = Double(slopes?[head] ?? 0)
        var highest = -Double.infinity
        for key in 0..<count {
            row[key] = row[key] * scale - slope * Double(abs(query - key))
            highest = max(highest, row[key])
        }
        var total = 0.0
        for key in 0..<count {
            row[key] = exp(row[key] - highest)
            total += row[key]
        }
        for key in 0..<count { row[key] /= total }
    }
}

extension AttentionMap {
    /// The maps of all attention ops that a model applies, in order.
    fileprivate static func maps(_ run: (ForwardPass) -> Void) -> [AttentionMap] {
        var maps: [AttentionMap] = []
        let observer = ForwardObserver { _, map in maps.append(map()) }
        run(ForwardPass(.observing(observer)))
        return maps
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
