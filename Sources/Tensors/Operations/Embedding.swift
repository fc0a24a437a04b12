import CKernels

/// Token and position embeddings: y[b, t] = scale tokens[ids[b, t]] + positions[start[b] + t].
///
/// Inputs: tokens (V, C) and, if `hasPositions`, learned positions (N, C) with start + T <= N. Without these,
/// positions are the rows of `sinusoids`, if any. Output: (B, T, C), or (1, N, C) for sequences of different lengths, which
/// then all begin at the same position.
package struct Embedding: Operation {
    package let ids: TokenBatch
    package let start: StartPositions
    package let hasPositions: Bool
    package let sinusoids: AngleTable?
    /// The factor of the token embeddings: sqrt(C) in the original transformer, else 1.
    package let scale: Float
    /// What the ids are, for a graph that has an input for each.
    package let content: TokenContent
    /// A token whose embedding gets no gradient from here: `padding_idx` to PyTorch.
    package let paddingID: Int32?

    package init(
        _ ids: TokenBatch, from start: StartPositions = .zero, hasPositions: Bool = true, sinusoids: AngleTable? = nil,
        scale: Float = 1,
        paddingID: Int32? = nil, content: TokenContent = .ids
    ) {
        self.content = content
        self.scale = scale
        self.paddingID = paddingID
        self.ids = ids
        self.start = start
        self.hasPositions = hasPositions
        self.sinusoids = sinusoids
    }

    package var savedForBackward: SavedTensors { [] }

    /// The position of each row, where sequences differ in length or in their first position.
    package var rowPositions: [Int32]? {
        ids.lengths?.positions.map { $0 + Int32(start.offset) } ?? start.rows(length: ids.length)
    }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Int) {
        let tokens = inputs[0]
        let (V, C) = tokens.shape.two
        precondition(ids.ids.allSatisfy { $0 >= 0 && $0 < V }, "an id outside the vocabulary of \(V)")
        let positions = hasPositions ? inputs[1] : sinusoids?.rows(start.highest + ids.length)
        precondition(
            positions.map { start.highest + ids.length <= $0.shape.rows } ?? true, "a position beyond the context")
        let y = Tensor(uninitialized: ids.lengths == nil ? [ids.batch, ids.length, C] : [1, ids.ids.count, C])
        gpt_embedding_forward(
            Execution.kernels, Int64(ids.ids.count), Int64(ids.length), Int64(C), Int64(start.offset), rowPositions,
            ids.ids,
            scale,
            tokens.pointer, positions?.pointer, y.pointer)
        withExtendedLifetime(positions) {}
        return (y, C)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved C: Int, into slots: [GradientSlot]) {
        let trained = paddingID.map { padding in ids.ids.map { $0 == padding ? -1 : $0 } } ?? ids.ids
        func scatter(into tokens: Tensor?, _ positions: Tensor?) {
            gpt_embedding_backward(
                Execution.kernels, Int64(ids.ids.count), Int64(ids.length), Int64(C), Int64(start.offset), rowPositions,
                trained, scale, gradient.pointer, tokens?.pointer, positions?.pointer)
        }
        // Most rows of a table are not written, so a fresh gradient starts from zero.
        func prepare(_ gradient: Tensor, _ add: Bool) {
            if !add { gradient.withElements { $0.update(repeating: 0) } }
        }
        slots[0].write {
            prepare($0, $1)
            scatter(into: $0, nil)
        }
        guard hasPositions else { return }
        slots[1].write {
            prepare($0, $1)
            scatter(into: nil, $0)
        }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let ids = builder.tokens(self.ids, content)
        var y = builder.gather(inputs[0], rows: ids)
        if scale != 1 { y = builder.multiply(y, builder.constant(Double(scale))) }
        guard hasPositions || sinusoids != nil else { return y }
        let positions =
            self.ids.lengths.map { _ in
                builder.constant((rowPositions ?? []).map(Double.init), shape: [self.ids.ids.count])
            }
            ?? builder.positions(builder.shape(of: ids)[1], from: start)
        if let sinusoids { return builder.add(y, sinusoids.sinusoids(positions, &builder)) }
        return builder.add(y, builder.gather(inputs[1], rows: positions))
    }
}
