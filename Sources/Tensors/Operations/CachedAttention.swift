import CKernels

/// The attention of generation: the queries of some new positions of each sequence attend to the keys and values in its
/// cache, which include their own.
///
///     out[t] = softmax(q[t] K[..<past + t + 1]' / sqrt(size)) V[..<past + t + 1]     for each head
///
/// It is `Attention` with a causal mask, for sequences that may differ in length. Nothing is rounded, whatever the
/// precision: reading the keys and values as floats takes the time.
package struct CachedAttention {
    private let sequences: [CachedSequence]
    private let heads: Int
    private let keyValueHeads: Int
    private let slopes: [Float]?

    /// The most queries of a sequence for which keys and values are read in place. For more, they are packed first.
    private static let fewQueries = 3

    /// - Parameters:
    ///   - sequences: the cache of each sequence, to which the new positions were appended.
    ///   - heads: the number of heads of the queries.
    ///   - keyValueHeads: the number of heads of the keys, and of the values.
    ///   - slopes: the slope of each head, with linear biases for positions.
    package init(_ sequences: [CachedSequence], heads: Int, keyValueHeads: Int, slopes: [Float]? = nil) {
        self.sequences = sequences
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.slopes = slopes
    }

    /// - Parameter queries: (B, T, at least heads x size). The first heads x size columns are read.
    /// - Returns: (B, T, heads x size).
    package func callAsFunction(_ queries: Tensor) -> Tensor {
        let (B, T, queryWidth) = queries.shape.three
        let width = sequences[0].keys.shape.columns, size = width / keyValueHeads
        precondition(B == sequences.count, "\(B) sequences of queries for \(sequences.count) caches")
        let out = Tensor(uninitialized: [B, T, heads * size])
        let cached = sequences.map {
            gpt_cached_sequence(keys: $0.keys.pointer, values: $0.values.pointer, past: Int64($0.length - T))
        }
        var attention = gpt_attention()
        attention.batch = Int64(B)
        attention.heads = Int64(heads)
        attention.kv_heads = Int64(keyValueHeads)
        attention.queries = Int64(T)
        attention.keys = Int64(sequences.reduce(0) { max($0, $1.length) })
        attention.size = Int64(size)
        attention.mask = AttentionMask.causal.code
        attention.precision = Precision.float32.code
        attention.scale = Float(1 / Double(size).squareRoot())
        attention.q = vectors(queries.pointer, rows: T, width: queryWidth, size: size)
        attention.k = vectors(nil, rows: 0, width: width, size: size)
        attention.v = attention.k
        attention.out = vectors(out.pointer, rows: T, width: heads * size, size: size)
        let isFew = T <= Self.fewQueries && Execution.current.rowProducts != .asPrompt
        cached.withUnsafeBufferPointer { cached in
            (slopes ?? []).withUnsafeBufferPointer { slopes in
                attention.cached = cached.baseAddress
                if self.slopes != nil { attention.slopes = slopes.baseAddress }
                (isFew ? gpt_attention_few : gpt_attention_forward)(Execution.kernels, &attention)
            }
        }
        withExtendedLifetime((queries, sequences)) {}
        return out
    }

    private func vectors(_ start: UnsafeMutablePointer<Float>?, rows: Int, width: Int, size: Int) -> gpt_heads {
        gpt_heads(start: start, batch: Int64(rows * width), row: Int64(width), head: Int64(size))
    }
}
