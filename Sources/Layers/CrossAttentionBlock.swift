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

        /// The memories of several sequences, one after another.
        /// - Precondition: each is that of one sequence. There is at least one.
        package static func joined(_ memories: [Memory]) -> Memory {
            func joined(_ part: (Memory) -> Variable) -> Variable {
                let tensors = memories.map { part($0).value }
                let width = tensors[0].shape.columns, rows = tensors.map(\.shape.rows)
                let all = Tensor(uninitialized: [1, rows.reduce(0, +), width])
                all.withElements { all in
                    var start = 0
                    for tensor in tensors {
                        tensor.withElements { _ = all[start...].update(fromContentsOf: $0) }
                        start += tensor.count
                    }
                }
                return Variable(all, needsGradient: false)
            }
            precondition(
                memories.allSatisfy { $0.lengths == nil && $0.keys.value.shape[0] == 1 }, "a memory of many sequences")
            return Memory(
                keys: joined(\.keys), values: joined(\.values),
                lengths: SequenceLengths(memories.map { $0.keys.value.shape.rows }))
        }

        /// The memories of some of the sequences of a joined one.
        package func selecting(_ sequences: [Int]) -> Memory {
            guard let lengths else { preconditionFailure("a memory that was not joined") }
            func part(_ x: Variable, _ sequence: Int) -> Variable {
                let rows = lengths[sequence], width = x.value.shape.columns
                let part = Tensor(uninitialized: [1, rows.count, width])
                x.value.withElements { x in
                    part.withElements {
                        _ = $0.update(fromContentsOf: x[rows.lowerBound * width..<rows.upperBound * width])
                    }
                }
                return Variable(part, needsGradient: false)
            }
            return .joined(
                sequences.map { Memory(keys: part(keys, $0), values: part(values, $0), lengths: nil) })
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
    ///   - lengths: the lengths of the sequences of x where they differ. Then those of the memory are given, too. If only
    ///     those of the memory are given, x has one position of each of several sequences, as in generation: the same number
    ///     for each sequence of the memory, one after another.
    ///   - residual: (B, T, C), to which the result is added, if any, after dropout.
    /// - Returns: (B, T, C).
    package func callAsFunction(
        _ x: Variable, _ memory: Memory, _ pass: ForwardPass, lengths: SequenceLengths? = nil,
        addingTo residual: Variable? = nil
    ) -> Variable {
        func attention(_ lengths: SequenceLengths?) -> Attention {
            Attention(
                heads: heads, keyValueHeads: keyValueHeads, mask: .full, lengths: lengths, keyLengths: memory.lengths)
        }
        let queries = query(x, pass)  // (B, T, heads size)
        guard lengths == nil, let memories = memory.lengths?.count else {
            let mixed = pass.apply(attention(lengths), queries, memory.keys, memory.values)
            return projection(mixed, pass, addingTo: residual)  // (B, T, C)
        }
        // Nothing is masked. So the sequences that read the same memory can be positions of one sequence.
        let (B, T, width) = queries.value.shape.three
        precondition(T == 1 && B % memories == 0, "\(B) sequences of \(T) positions read \(memories) memories")
        let grouped = attention(SequenceLengths(Array(repeating: B / memories, count: memories)))
        let flat = Variable(queries.value.reshaped([1, B, width]), needsGradient: false)
        let mixed = pass.apply(grouped, flat, memory.keys, memory.values).value.reshaped([B, 1, width])
        return projection(Variable(mixed, needsGradient: false), pass, addingTo: residual)
    }
}
