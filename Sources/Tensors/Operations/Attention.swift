import CKernels

/// Which keys a query may see.
package enum AttentionMask: Sendable {
    /// The query at position i sees the keys at positions up to i.
    case causal
    /// Every query sees every key.
    case full

    fileprivate var code: Int32 {
        switch self {
        case .causal: Int32(GPT_MASK_CAUSAL.rawValue)
        case .full: Int32(GPT_MASK_FULL.rawValue)
        }
    }
}

/// Self-attention of several heads (Vaswani et al., 2017), fused:
///
///     out = softmax(mask(Q K' / sqrt(size))) V     for each head
///
/// Input: queries, keys and values side by side (B, T, 3C), each C = heads x size. Output (B, T, C), the heads side by
/// side. Neither pass ever holds more than a few rows of the (T, T) scores of a head: see attention.c.
package struct Attention: Operation {
    package let heads: Int
    package let mask: AttentionMask

    package init(heads: Int, mask: AttentionMask) {
        self.heads = heads
        self.mask = mask
    }

    package var keeps: Keeps { [.inputs, .output] }

    /// Saved: the largest score of each row and one over the sum of exponentials, (B, heads, T, 2).
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Tensor?) {
        let qkv = inputs[0]
        let (B, T, C) = dimensions(of: qkv)
        let out = Tensor(uninitialized: [B, T, C])
        let statistics = recording ? Tensor(uninitialized: [B, heads, T, 2]) : nil
        var attention = problem(qkv, out: out, statistics: statistics)
        gpt_attention_forward(Execution.kernels, &attention)
        withExtendedLifetime(statistics) {}
        return (out, statistics)
    }

    package func backward(_ gradient: Tensor, _ kept: Kept, saved: Tensor?, into slots: [GradientSlot]) {
        let qkv = kept.inputs[0]
        guard let out = kept.output, let statistics = saved else { preconditionFailure("nothing was recorded") }
        let (_, _, C) = dimensions(of: qkv)
        let size = C / heads
        slots[0].write { dQKV, add in
            var attention = problem(qkv, out: out, statistics: statistics)
            gpt_attention_backward(
                Execution.kernels, &attention, vectors(gradient, size: size), vectors(dQKV, size: size),
                vectors(dQKV, from: C, size: size), vectors(dQKV, from: 2 * C, size: size), add)
        }
        withExtendedLifetime((out, statistics)) {}
    }

    /// Attention of new queries over cached keys and values, off the tape. The queries are the first third of each row of
    /// `qkv` (B, T, 3C), at positions offset ..< offset + T of their sequences; keys and values (B, N, C) hold those of
    /// all positions up to there. Nothing is rounded, whatever the precision, for one query as for a prompt of many.
    package func attend(_ qkv: Tensor, keys: Tensor, values: Tensor, offset: Int) -> Tensor {
        let (B, T, C) = dimensions(of: qkv)
        let out = Tensor(uninitialized: [B, T, C])
        let size = C / heads
        var attention = gpt_attention()
        attention.set(batch: B, heads: heads, queries: T, keys: offset + T, size: size, offset: offset, mask: mask)
        attention.precision = Precision.float32.code
        attention.q = vectors(qkv, size: size)
        attention.k = vectors(keys, size: size)
        attention.v = vectors(values, size: size)
        attention.out = vectors(out, size: size)
        gpt_attention_over_cache(Execution.kernels, &attention)
        withExtendedLifetime((qkv, keys, values)) {}
        return out
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let C = builder.width(of: inputs[0]) / 3, size = C / heads
        // (B, T, C) to (B, heads, T, size)
        let parts = builder.split(inputs[0], [C, C, C]).map {
            builder.transpose(builder.reshape($0, keeping: 2, [heads, size]), [0, 2, 1, 3])
        }
        let (keys, values) = builder.withPast(keys: parts[1], values: parts[2])
        var scores = builder.matmul(parts[0], builder.transpose(keys, [0, 1, 3, 2]))
        scores = builder.multiply(scores, builder.constant(1 / Double(size).squareRoot()))
        if mask == .causal { scores = builder.hideFuture(scores) }
        let out = builder.matmul(builder.softmax(scores), values)
        return builder.reshape(builder.transpose(out, [0, 2, 1, 3]), keeping: 2, [C])
    }

    /// Counting all of the scores, as is the custom, although a causal mask makes half of them needless.
    package func flops(_ inputs: [Shape]) -> Double {
        let (B, T, width) = inputs[0].three
        return 4 * Double(B * T) * Double(T * width / 3)
    }

    private func dimensions(of qkv: Tensor) -> (B: Int, T: Int, C: Int) {
        let (B, T, width) = qkv.shape.three
        precondition(width % (3 * heads) == 0, "\(qkv.shape) does not hold queries, keys and values of \(heads) heads")
        return (B, T, width / 3)
    }

    private func problem(_ qkv: Tensor, out: Tensor, statistics: Tensor?) -> gpt_attention {
        let (B, T, C) = dimensions(of: qkv)
        let size = C / heads
        var attention = gpt_attention()
        attention.set(batch: B, heads: heads, queries: T, keys: T, size: size, offset: 0, mask: mask)
        attention.q = vectors(qkv, size: size)
        attention.k = vectors(qkv, from: C, size: size)
        attention.v = vectors(qkv, from: 2 * C, size: size)
        attention.out = vectors(out, size: size)
        attention.statistics = statistics?.pointer
        return attention
    }

    /// The vectors of the heads within the rows of a (B, T, width) tensor, the first at a column.
    private func vectors(_ x: Tensor, from column: Int = 0, size: Int) -> gpt_heads {
        let (_, T, width) = x.shape.three
        return gpt_heads(start: x.pointer + column, batch: Int64(T * width), row: Int64(width), head: Int64(size))
    }
}

extension gpt_attention {
    fileprivate mutating func set(
        batch: Int, heads: Int, queries: Int, keys: Int, size: Int, offset: Int, mask: AttentionMask
    ) {
        self.batch = Int64(batch)
        self.heads = Int64(heads)
        self.queries = Int64(queries)
        self.keys = Int64(keys)
        self.size = Int64(size)
        self.offset = Int64(offset)
        self.mask = mask.code
        precision = Execution.current.precision.code
        scale = Float(1 / Double(size).squareRoot())
    }
}
