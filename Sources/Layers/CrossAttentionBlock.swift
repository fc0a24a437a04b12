import Tensors

/// Cross-attention with its projections: the positions of a sequence attend to all positions of another one, the memory,
/// which is the output of an encoder. The queries come from the sequence, the keys and values from the memory.
public struct CrossAttentionBlock: Module {
    public let query: LinearLayer
    public let key: LinearLayer
    public let value: LinearLayer
    public let projection: LinearLayer
    public let parameters: [NamedParameter]
    private let heads: Int
    private let keyValueHeads: Int

    /// The keys and values of a memory, which are computed once for all positions that attend to it.
    package struct Memory {
        /// (B, S, keyValueHeads x size), or (1, N, ...) for memories of different lengths.
        let keys: Variable
        let values: Variable
        let lengths: SequenceLengths?

        /// The same memory for each of several sequences.
        /// - Precondition: it is that of one sequence.
        package func repeated(_ count: Int) -> Memory {
            guard count > 1 else { return self }
            func repeated(_ x: Variable) -> Variable {
                let (B, S, C) = x.value.shape.three
                precondition(B == 1 && lengths == nil, "memories of several sequences cannot be repeated")
                let values = x.value.values
                return Variable(
                    Tensor([count, S, C], (0..<count).flatMap { _ in values }), needsGradient: false)
            }
            return Memory(keys: repeated(keys), values: repeated(values), lengths: nil)
        }
    }

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        func layer(inputs: Int, outputs: Int, _ bias: Biases, _ deviation: Double) -> LinearLayer {
            LinearLayer(
                inputs: inputs, outputs: outputs, hasBias: c.biases.contains(bias),
                isTransposed: c.attentionIsTransposed, deviation: deviation, using: &weights)
        }
        query = layer(inputs: c.width, outputs: c.heads * c.headSize, .attentionInput, c.deviation)
        key = layer(inputs: c.width, outputs: c.keyValueHeads * c.headSize, .attentionInput, c.deviation)
        value = layer(inputs: c.width, outputs: c.keyValueHeads * c.headSize, .attentionInput, c.deviation)
        projection = layer(inputs: c.heads * c.headSize, outputs: c.width, .attentionOutput, c.projectionDeviation)
        (heads, keyValueHeads) = (c.heads, c.keyValueHeads)
        parameters =
            query.prefixed(by: c.names.query) + key.prefixed(by: c.names.key) + value.prefixed(by: c.names.value)
            + projection.prefixed(by: c.names.attentionProjection)
    }

    /// The keys and values of a memory (B, S, C).
    package func memory(_ memory: Variable, _ pass: ForwardPass, lengths: SequenceLengths? = nil) -> Memory {
        Memory(keys: key(memory, pass), values: value(memory, pass), lengths: lengths)
    }

    /// - Parameters:
    ///   - x: (B, T, C).
    ///   - memory: the keys and values.
    ///   - pass: the forward pass.
    ///   - lengths: the lengths of the sequences of x where they differ. Then those of the memory are given, too.
    ///   - residual: (B, T, C), to which the result is added, if any, after dropout.
    /// - Returns: (B, T, C).
    package func callAsFunction(
        _ x: Variable, _ memory: Memory, _ pass: ForwardPass, lengths: SequenceLengths? = nil,
        addingTo residual: Variable? = nil
    ) -> Variable {
        let attention = Attention(
            heads: heads, keyValueHeads: keyValueHeads, mask: .full, lengths: lengths, keyLengths: memory.lengths)
        let mixed = pass.apply(attention, query(x, pass), memory.keys, memory.values)  // (B, T, heads size)
        return projection(mixed, pass, addingTo: residual)  // (B, T, C)
    }
}
