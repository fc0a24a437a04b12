import CKernels

/// Which keys a query attends to.
package enum AttentionMask: Sendable {
    /// The query at position i attends to the keys at positions up to i.
    case causal
    /// Every query attends to every key.
    case full

    var code: Int32 {
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
/// Inputs: queries (B, T, heads x size), keys and values (B, S, keyValueHeads x size), the heads side by side; or one
/// tensor with the three in this order, (B, T, (heads + 2 keyValueHeads) size). Output: (B, T, heads x size). Neither
/// pass stores more than a few rows of the (T, S) scores of a head: see attention.c.
///
/// In self-attention S = T. In cross-attention (Vaswani et al., 2017, section 3.2.3) the keys and values come from
/// another sequence, of any length, and nothing is masked. Where the sequences of a batch differ in length they are
/// stored without padding (`SequenceLengths`), and the inputs are (1, N, width).
///
/// With `slopes` the positions are represented by linear biases (Press et al., "ALiBi", 2022): from the score of a query
/// at position i and a key at position j of the sequence the head subtracts slope |i - j|.
///
/// In generation, keys and values come from a cache: see `CachedAttention`.
package struct Attention: Operation {
    package let heads: Int
    package let keyValueHeads: Int
    package let mask: AttentionMask
    /// The lengths of the sequences of the queries, and of the keys; nil where all sequences are equally long.
    package let queryLengths: SequenceLengths?
    package let keyLengths: SequenceLengths?
    /// The slope of each head, with linear biases for positions.
    package let slopes: [Float]?

    /// - Parameters:
    ///   - heads: the number of heads of the queries.
    ///   - keyValueHeads: the number of heads of the keys, and of the values: a divisor of `heads`, which is the
    ///     default.
    ///   - mask: which keys a query attends to.
    ///   - lengths: the lengths of the sequences of the queries, if they differ; in self-attention also of the keys.
    ///   - keyLengths: those of the keys in cross-attention.
    ///   - slopes: the slope of each head, with linear biases for positions.
    package init(
        heads: Int, keyValueHeads: Int? = nil, mask: AttentionMask, lengths: SequenceLengths? = nil,
        keyLengths: SequenceLengths? = nil, slopes: [Float]? = nil
    ) {
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        self.mask = mask
        queryLengths = lengths
        self.keyLengths = keyLengths ?? lengths
        self.slopes = slopes
        precondition(heads % self.keyValueHeads == 0, "\(heads) heads cannot share \(self.keyValueHeads)")
        precondition(slopes.map { $0.count == heads } ?? true, "\(slopes ?? []) are not the slopes of \(heads) heads")
        precondition(
            (queryLengths == nil) == (self.keyLengths == nil) && queryLengths?.count == self.keyLengths?.count,
            "queries and keys of different numbers of sequences")
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
        fileprivate let sizes: Sizes
    }

    /// The dimensions of the inputs: B, T and S are 1 and the numbers of all rows for sequences of different lengths.
    fileprivate struct Sizes {
        let B: Int, T: Int, S: Int, size: Int
    }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Recorded?) {
        let sizes = sizes(of: inputs)
        let out = Tensor(uninitialized: [sizes.B, sizes.T, heads * sizes.size])
        var saved: Recorded?
        if recording {
            let words = sizes.B * (heads * sizes.T + 2 * keyValueHeads * sizes.S)
            saved = Recorded(
                statistics: Tensor(uninitialized: [sizes.B, heads, sizes.T, 2]),
                rounded: savedForBackward.contains(.inputs)
                    ? nil : Tensor(uninitialized: [words, (sizes.size + 1) / 2]),
                sizes: sizes)
        }
        withProblem(sizes, vectors(of: inputs, size: sizes.size), out: out, saved) {
            gpt_attention_forward(Execution.kernels, &$0)
        }
        withExtendedLifetime((inputs, saved)) {}
        return (out, saved)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Recorded?, into slots: [GradientSlot]) {
        guard let out = values.output, let saved else { preconditionFailure("nothing was recorded") }
        let size = saved.sizes.size
        let destinations = slots.map { $0.destination() }
        let gradients = (0..<3).map { part -> gpt_heads_gradient in
            let (input, column) = place(of: part, inputs: slots.count, size: size)
            guard let (tensor, add) = destinations[input] else { return gpt_heads_gradient() }
            return gpt_heads_gradient(at: vectors(tensor, from: column, size: size), add: add)
        }
        let parts = values.inputs.isEmpty ? nil : vectors(of: values.inputs, size: size)
        withProblem(saved.sizes, parts, out: out, saved) { attention in
            if saved.rounded != nil { attention.precision = Precision.bfloat16.code }
            gpt_attention_backward(
                Execution.kernels, &attention, vectors(gradient, size: size), gradients[0], gradients[1], gradients[2])
        }
        withExtendedLifetime((values, out, saved, destinations)) {}
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
        let T = builder.shape(of: parts[0])[1], S = builder.shape(of: k)[2]
        if group == 1 {
            q = apart(q)
        } else {
            // Two dimensions for heads: the group, and the head within it, which for keys and values has length 1.
            q = builder.transpose(builder.reshape(q, keeping: 2, [keyValueHeads, group, size]), [0, 2, 3, 1, 4])
            (k, v) = (builder.insertDimension(k, at: 2), builder.insertDimension(v, at: 2))
        }
        var scores = builder.matmul(q, builder.transpose(k, group == 1 ? [0, 1, 3, 2] : [0, 1, 2, 4, 3]))
        scores = builder.multiply(scores, builder.constant(1 / Double(size).squareRoot()))
        if let slopes {
            let distances = distances(T, S, &builder)
            let shape = group == 1 ? [heads, 1, 1] : [keyValueHeads, group, 1, 1]
            scores = builder.subtract(
                scores, builder.multiply(builder.constant(slopes.map(Double.init), shape: shape), distances))
        }
        if let queryLengths, let keyLengths {
            scores = builder.add(scores, otherSequences(queryLengths, keyLengths, &builder))
        } else if mask == .causal {
            scores = builder.causalMask(scores)
        } else {
            scores = builder.maskPadding(scores)
        }
        let out = builder.transpose(
            builder.matmul(builder.softmax(scores), v), group == 1 ? [0, 2, 1, 3] : [0, 3, 1, 2, 4])
        return builder.reshape(out, keeping: 2, [heads * size])
    }

    /// |i - j| for each position i of a query and j of a key: (T, S).
    private func distances<Builder: PrimitiveBuilder>(
        _ T: Dimension, _ S: Dimension, _ builder: inout Builder
    ) -> Builder.Value {
        func positions(_ count: Dimension, _ lengths: SequenceLengths?) -> Builder.Value {
            guard let lengths else { return builder.positions(count, after: 0) }
            return builder.constant(lengths.positions.map(Double.init), shape: [lengths.rows])
        }
        let queries = builder.insertDimension(positions(T, queryLengths), at: 1)
        let difference = builder.subtract(positions(S, keyLengths), queries)
        return builder.maximum(difference, builder.subtract(builder.constant(0), difference))
    }

    /// What is added to the scores of sequences that are stored one after another: -1e30 where query and key belong to
    /// different ones or the key is masked, else 0.
    private func otherSequences<Builder: PrimitiveBuilder>(
        _ queries: SequenceLengths, _ keys: SequenceLengths, _ builder: inout Builder
    ) -> Builder.Value {
        var bias = [Double](repeating: -1e30, count: queries.rows * keys.rows)
        for sequence in 0..<queries.count {
            for (i, query) in queries[sequence].enumerated() {
                for (j, key) in keys[sequence].enumerated() where mask == .full || j <= i {
                    bias[query * keys.rows + key] = 0
                }
            }
        }
        return builder.constant(bias, shape: [queries.rows, keys.rows])
    }

    /// Counts all scores, as is customary, although a causal mask makes half of them unnecessary.
    package func flops(_ inputs: [Shape]) -> Double {
        let sizes = sizes(of: inputs)
        var scores = Double(sizes.B * sizes.T * sizes.S)
        if let queryLengths, let keyLengths {
            scores = (0..<queryLengths.count).reduce(0) {
                $0 + Double(queryLengths[$1].count * keyLengths[$1].count)
            }
        }
        return 4 * scores * Double(heads * sizes.size)
    }

    /// The input that holds the queries (part 0), keys (1) or values (2), and their first column in it.
    private func place(of part: Int, inputs: Int, size: Int) -> (input: Int, column: Int) {
        inputs == 3 ? (part, 0) : (0, [0, heads, heads + keyValueHeads][part] * size)
    }

    private func sizes(of inputs: [Tensor]) -> Sizes { sizes(of: inputs.map(\.shape)) }

    private func sizes(of inputs: [Shape]) -> Sizes {
        let (B, T, width) = inputs[0].three
        let vectors = inputs.count == 1 ? heads + 2 * keyValueHeads : heads
        let size = width / vectors, S = inputs.count == 1 ? T : inputs[1][1]
        precondition(
            width % vectors == 0 && inputs.dropFirst().allSatisfy { $0 == [B, S, size * keyValueHeads] }
                && (S == T || mask == .full),
            "\(inputs) do not hold queries, keys and values of \(heads) and \(keyValueHeads) heads")
        precondition(
            queryLengths.map { B == 1 && $0.rows == T && keyLengths?.rows == S } ?? true,
            "\(inputs) do not hold sequences of the given lengths")
        return Sizes(B: B, T: T, S: S, size: size)
    }

    /// The vectors of the queries, keys and values in the inputs.
    private func vectors(of inputs: [Tensor], size: Int) -> (gpt_heads, gpt_heads, gpt_heads) {
        func part(_ number: Int) -> gpt_heads {
            let (input, column) = place(of: number, inputs: inputs.count, size: size)
            return vectors(inputs[input], from: column, size: size)
        }
        return (part(0), part(1), part(2))
    }

    /// Calls `body` with the description of the problem for the kernels.
    /// - Parameters:
    ///   - sizes: the dimensions.
    ///   - parts: the queries, keys and values; nil if backward reads their rounded copies.
    ///   - out: the output.
    ///   - saved: what backward needs; nil if nothing is recorded.
    ///   - body: calls a kernel.
    private func withProblem(
        _ sizes: Sizes, _ parts: (gpt_heads, gpt_heads, gpt_heads)?, out: Tensor, _ saved: Recorded?,
        _ body: (inout gpt_attention) -> Void
    ) {
        var attention = gpt_attention()
        attention.batch = Int64(queryLengths?.count ?? sizes.B)
        attention.heads = Int64(heads)
        attention.kv_heads = Int64(keyValueHeads)
        attention.queries = Int64(queryLengths?.longest ?? sizes.T)
        attention.keys = Int64(keyLengths?.longest ?? sizes.S)
        attention.size = Int64(sizes.size)
        attention.mask = mask.code
        attention.precision = Execution.current.precision.code
        attention.scale = Float(1 / Double(sizes.size).squareRoot())
        if let parts { (attention.q, attention.k, attention.v) = parts }
        attention.out = vectors(out, size: sizes.size)
        attention.statistics = saved?.statistics.pointer
        attention.rounded = saved?.rounded?.pointer
        guard queryLengths != nil || slopes != nil else { return body(&attention) }
        (queryLengths?.starts ?? []).withUnsafeBufferPointer { queryStarts in
            (keyLengths?.starts ?? []).withUnsafeBufferPointer { keyStarts in
                (slopes ?? []).withUnsafeBufferPointer { slopes in
                    if queryLengths != nil {
                        attention.query_starts = queryStarts.baseAddress
                        attention.key_starts = keyStarts.baseAddress
                    }
                    if self.slopes != nil { attention.slopes = slopes.baseAddress }
                    body(&attention)
                }
            }
        }
    }

    /// The vectors of the heads in the rows of a (B, T, width) tensor, from a column on.
    private func vectors(_ x: Tensor, from column: Int = 0, size: Int) -> gpt_heads {
        let (_, T, width) = x.shape.three
        return gpt_heads(start: x.pointer + column, batch: Int64(T * width), row: Int64(width), head: Int64(size))
    }
}
