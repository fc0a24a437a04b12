import CKernels

/// Which keys a query attends to.
package enum AttentionMask: Sendable {
    /// The query at position i attends to the keys at positions up to i.
    case causal
    /// Every query attends to every key.
    case full

    fileprivate var code: Int32 {
        switch self {
        case .causal: Int32(GPT_MASK_CAUSAL.rawValue)
        case .full: Int32(GPT_MASK_FULL.rawValue)
        }
    }
}

/// Multi-head attention (Vaswani et al., 2017), fused:
///
///     out = softmax(mask(Q K' / sqrt(size))) V     for each head
///
/// With grouped queries (Ainslie et al., "GQA", 2023) there are fewer heads of keys and values than of queries, and
/// each of them serves a group of consecutive query heads.
///
/// Inputs: queries (B, T, heads x size), keys and values (B, T, keyValueHeads x size), the heads side by side; or one
/// tensor with the three in this order, (B, T, (heads + 2 keyValueHeads) size). Output: (B, T, heads x size). Neither
/// pass stores more than a few rows of the (T, T) scores of a head: see attention.c.
///
/// In generation keys and values come from a cache, and there are always three inputs: queries (B, T, >= heads x size),
/// of which the first columns are read, and keys and values (B, N, keyValueHeads x size), N >= `past` + T.
package struct Attention: Operation {
    package let heads: Int
    package let keyValueHeads: Int
    package let mask: AttentionMask
    /// How many positions precede the queries in the cache that holds the keys and values; nil without a cache.
    package let past: Int?

    /// - Parameters:
    ///   - heads: the number of heads of the queries.
    ///   - keyValueHeads: the number of heads of the keys, and of the values: a divisor of `heads`, which is the
    ///     default.
    ///   - mask: which keys a query attends to.
    ///   - past: with a cache, the number of positions before those of the queries. For generation only.
    package init(heads: Int, keyValueHeads: Int? = nil, mask: AttentionMask, past: Int? = nil) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        self.mask = mask
        self.past = past
        precondition(heads % self.keyValueHeads == 0, "\(heads) heads cannot share \(self.keyValueHeads)")
    }

    /// In bfloat16 the products read rounded queries, keys and values. So the rounded ones are saved, in half the
    /// memory.
    package var savedForBackward: SavedTensors {
        Execution.current.precision == .bfloat16 ? .output : [.inputs, .output]
    }

    /// What backward computes the softmax from, and what it reads instead of the inputs, if these are not saved.
    package struct Recorded {
        /// The largest score of each row, and 1 over the sum of exponentials: (B, heads, T, 2).
        let statistics: Tensor
        /// Queries, keys and values as pairs of bfloat16: see attention.h.
        let rounded: Tensor?
    }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Recorded?) {
        precondition(past == nil, "attention over a cache is computed by decode only")
        let (B, T, size) = dimensions(of: inputs)
        let out = Tensor(uninitialized: [B, T, heads * size])
        var saved: Recorded?
        if recording {
            let words: Shape = [B, keyValueHeads, heads / keyValueHeads + 2, T, (size + 1) / 2]
            saved = Recorded(
                statistics: Tensor(uninitialized: [B, heads, T, 2]),
                rounded: savedForBackward.contains(.inputs) ? nil : Tensor(uninitialized: words))
        }
        var attention = problem(B, T, size, inputs, out: out, saved)
        gpt_attention_forward(Execution.kernels, &attention)
        withExtendedLifetime((inputs, saved)) {}
        return (out, saved)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Recorded?, into slots: [GradientSlot]) {
        guard let out = values.output, let saved else { preconditionFailure("nothing was recorded") }
        let (B, T, width) = gradient.shape.three
        let size = width / heads
        let destinations = slots.map { $0.destination() }
        var attention = problem(B, T, size, values.inputs, out: out, saved)
        if saved.rounded != nil { attention.precision = Precision.bfloat16.code }
        let gradients = (0..<3).map { part -> gpt_heads_gradient in
            let (input, column) = place(of: part, inputs: slots.count, size: size)
            guard let (tensor, add) = destinations[input] else { return gpt_heads_gradient() }
            return gpt_heads_gradient(at: vectors(tensor, from: column, size: size), add: add)
        }
        gpt_attention_backward(
            Execution.kernels, &attention, vectors(gradient, size: size), gradients[0], gradients[1], gradients[2])
        withExtendedLifetime((values, out, saved, destinations)) {}
    }

    /// With a cache nothing is rounded, whatever the precision, for one query as for a prompt of many.
    package func decode(_ inputs: [Variable]) -> Tensor {
        guard let past else { return forward(inputs.map(\.value), recording: false).output }
        let (queries, keys, values) = (inputs[0].value, inputs[1].value, inputs[2].value)
        let (B, T, _) = queries.shape.three
        let size = keys.shape.columns / keyValueHeads
        let out = Tensor(uninitialized: [B, T, heads * size])
        var attention = gpt_attention()
        set(&attention, batch: B, queries: T, keys: past + T, size: size, offset: past)
        attention.precision = Precision.float32.code
        attention.q = vectors(queries, size: size)
        attention.k = vectors(keys, size: size)
        attention.v = vectors(values, size: size)
        attention.out = vectors(out, size: size)
        gpt_attention_over_cache(Execution.kernels, &attention)
        withExtendedLifetime((queries, keys, values)) {}
        return out
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let group = heads / keyValueHeads, counts = [heads, keyValueHeads, keyValueHeads]
        let size = builder.width(of: inputs[0]) / (inputs.count == 1 ? counts.reduce(0, +) : heads)
        let parts = inputs.count == 3 ? inputs : builder.split(inputs[0], counts.map { $0 * size })
        // (B, T, heads x size) to (B, heads, T, size)
        func apart(_ x: Builder.Value) -> Builder.Value {
            builder.transpose(builder.reshape(x, keeping: 2, [builder.width(of: x) / size, size]), [0, 2, 1, 3])
        }
        var (q, k, v) = (parts[0], apart(parts[1]), apart(parts[2]))
        (k, v) = builder.withPast(keys: k, values: v)
        if group == 1 {
            q = apart(q)
        } else {
            // Two dimensions for heads: the group, and the head within it, which for keys and values has length 1.
            q = builder.transpose(builder.reshape(q, keeping: 2, [keyValueHeads, group, size]), [0, 2, 3, 1, 4])
            (k, v) = (builder.insertDimension(k, at: 2), builder.insertDimension(v, at: 2))
        }
        var scores = builder.matmul(q, builder.transpose(k, group == 1 ? [0, 1, 3, 2] : [0, 1, 2, 4, 3]))
        scores = builder.multiply(scores, builder.constant(1 / Double(size).squareRoot()))
        if mask == .causal { scores = builder.causalMask(scores) }
        let out = builder.transpose(
            builder.matmul(builder.softmax(scores), v), group == 1 ? [0, 2, 1, 3] : [0, 3, 1, 2, 4])
        return builder.reshape(out, keeping: 2, [heads * size])
    }

    /// Counts all scores, as is customary, although a causal mask makes half of them unnecessary.
    package func flops(_ inputs: [Shape]) -> Double {
        let (B, T, width) = inputs[0].three
        let size = width / (inputs.count == 1 ? heads + 2 * keyValueHeads : heads)
        return 4 * Double(B * T) * Double(T * heads * size)
    }

    /// The input that holds the queries (part 0), keys (1) or values (2), and their first column in it.
    private func place(of part: Int, inputs: Int, size: Int) -> (input: Int, column: Int) {
        inputs == 3 ? (part, 0) : (0, [0, heads, heads + keyValueHeads][part] * size)
    }

    private func dimensions(of inputs: [Tensor]) -> (B: Int, T: Int, size: Int) {
        let (B, T, width) = inputs[0].shape.three
        let vectors = inputs.count == 1 ? heads + 2 * keyValueHeads : heads
        precondition(
            width % vectors == 0
                && inputs.dropFirst().allSatisfy { $0.shape == [B, T, width / heads * keyValueHeads] },
            "\(inputs.map(\.shape)) do not hold queries, keys and values of \(heads) and \(keyValueHeads) heads")
        return (B, T, width / vectors)
    }

    private func problem(
        _ B: Int, _ T: Int, _ size: Int, _ inputs: [Tensor], out: Tensor, _ saved: Recorded?
    ) -> gpt_attention {
        let parts = (0..<3).map { part -> gpt_heads in
            guard !inputs.isEmpty else { return gpt_heads() }
            let (input, column) = place(of: part, inputs: inputs.count, size: size)
            return vectors(inputs[input], from: column, size: size)
        }
        var attention = gpt_attention()
        set(&attention, batch: B, queries: T, keys: T, size: size, offset: 0)
        (attention.q, attention.k, attention.v) = (parts[0], parts[1], parts[2])
        attention.out = vectors(out, size: size)
        attention.statistics = saved?.statistics.pointer
        attention.rounded = saved?.rounded?.pointer
        return attention
    }

    /// The vectors of the heads in the rows of a (B, T, width) tensor, from a column on.
    private func vectors(_ x: Tensor, from column: Int = 0, size: Int) -> gpt_heads {
        let (_, T, width) = x.shape.three
        return gpt_heads(start: x.pointer + column, batch: Int64(T * width), row: Int64(width), head: Int64(size))
    }

    private func set(
        _ attention: inout gpt_attention, batch: Int, queries: Int, keys: Int, size: Int, offset: Int
    ) {
        attention.batch = Int64(batch)
        attention.heads = Int64(heads)
        attention.kv_heads = Int64(keyValueHeads)
        attention.queries = Int64(queries)
        attention.keys = Int64(keys)
        attention.size = Int64(size)
        attention.offset = Int64(offset)
        attention.mask = mask.code
        attention.precision = Execution.current.precision.code
        attention.scale = Float(1 / Double(size).squareRoot())
    }
}
