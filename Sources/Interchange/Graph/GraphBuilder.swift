import Tensors

/// Builds a graph from the references of ops, for batches and sequences of any length.
package struct GraphBuilder: PrimitiveBuilder {
    /// The keys and values that are inputs and outputs of a graph.
    package enum Cache: Sendable {
        /// None.
        case none
        /// Those of earlier tokens are inputs, and those of all tokens outputs.
        case tokens
        /// The first call of a decoder that reads a memory: outputs are those of its tokens and of the memory.
        case firstOfDecoder
        /// Each later call: as `tokens`, and those of the memory are inputs.
        case nextOfDecoder
    }

    package private(set) var graph = Graph()
    private let cache: Cache
    private let knowsGELU: Bool
    /// The number of layers so far with keys and values of tokens, and of the memory.
    private var cachedLayers = (tokens: 0, memory: 0)
    /// The inputs so far, by their names.
    private var knownInputs: [String: Graph.ValueID] = [:]
    /// The nodes and constants so far, so that those that all layers share, such as rotary angles, are added once.
    private var knownNodes: [NodeKey: [Graph.ValueID]] = [:]
    private var knownConstants: [ConstantKey: Graph.ValueID] = [:]
    /// The keys and values of all tokens in each layer.
    private var present: [Graph.NamedValue] = []

    /// - Parameters:
    ///   - cache: the keys and values that are inputs and outputs.
    ///   - knowsGELU: whether GELU is a node, rather than composed of others.
    package init(cache: Cache = .none, knowsGELU: Bool = false) {
        self.cache = cache
        self.knowsGELU = knowsGELU
    }

    package mutating func parameter(_ name: String, _ parameter: Parameter) -> Graph.ValueID {
        graph.addParameter(name, parameter)
    }

    /// The graph with these outputs and, with a cache, the past of the next call.
    package func finished(_ outputs: [Graph.NamedValue]) -> Graph {
        var graph = graph
        for output in outputs + present { graph.addOutput(output.name, output.value) }
        return graph.pruned()
    }

    /// The input with a name, which is added the first time.
    package mutating func input(_ name: String, _ shape: [Dimension], _ element: Graph.Element) -> Graph.ValueID {
        if let known = knownInputs[name] { return known }
        let value = graph.addInput(name, shape, element)
        knownInputs[name] = value
        return value
    }

    package func shape(of value: Graph.ValueID) -> [Dimension] { graph[value].shape }

    // MARK: Inputs of a model

    package mutating func tokens(_ batch: TokenBatch, _ content: TokenContent) -> Graph.ValueID {
        input(content == .ids ? "input_ids" : "token_type_ids", [.batch, .sequence], .integer)
    }

    package mutating func positions(_ count: Dimension, after past: Int) -> Graph.ValueID {
        precondition(count == .sequence, "positions of \(count) tokens")
        return nodes(.positions, [], [[count]], .integer)[0]
    }

    package mutating func firstPositions(_ x: Graph.ValueID, rows: [Int32]) -> Graph.ValueID {
        let shape = shape(of: x)
        return node(.firstPositions, [x], [shape[0]] + shape[2...])
    }

    /// The mask is an input (B, S) of integers: 1 for tokens, and 0 for padding.
    package mutating func maskPadding(_ scores: Graph.ValueID) -> Graph.ValueID {
        let shape = shape(of: scores), keys = shape[shape.count - 1]
        let name = keys == .memory ? "encoder_attention_mask" : "attention_mask"
        let mask = input(name, [.batch, keys], .integer)
        var bias = multiply(subtract(constant(1), mask), constant(-1e30))
        for axis in 1..<shape.count - 1 { bias = insertDimension(bias, at: axis) }
        return add(scores, bias)
    }

    package mutating func withPast(
        keys: Graph.ValueID, values: Graph.ValueID
    ) -> (keys: Graph.ValueID, values: Graph.ValueID) {
        let axis = shape(of: keys).count - 2
        let isMemory = shape(of: keys)[axis] == .memory
        let layer = isMemory ? cachedLayers.memory : cachedLayers.tokens
        if isMemory { cachedLayers.memory += 1 } else { cachedLayers.tokens += 1 }
        /// Adds the input and the output of keys or values. Inputs and outputs are in the order keys, values, layer by layer.
        func cached(_ new: Graph.ValueID, _ name: String) -> Graph.ValueID {
            let side = cache == .tokens ? "" : isMemory ? "encoder." : "decoder."
            let past = "past_key_values.\(layer).\(side)\(name)", next = "present.\(layer).\(side)\(name)"
            var shape = shape(of: new)
            switch (cache, isMemory) {
            case (.none, _): return new
            case (.firstOfDecoder, _):
                present.append(Graph.NamedValue(name: next, value: new))
                return new
            case (.nextOfDecoder, true): return input(past, shape, .float)
            case (.tokens, _), (.nextOfDecoder, false):
                shape[axis] = .past
                let earlier = input(past, shape, .float)
                shape[axis] = .total
                let all = node(.concatenate(axis: axis), [earlier, new], shape)
                present.append(Graph.NamedValue(name: next, value: all))
                return all
            }
        }
        return (cached(keys, "key"), cached(values, "value"))
    }

    package mutating func constant(_ values: [Double], shape: [Int]) -> Graph.ValueID {
        let key = ConstantKey(values: values, shape: shape)
        if let known = knownConstants[key] { return known }
        let value = graph.addConstant(values, shape: shape)
        knownConstants[key] = value
        return value
    }

    // MARK: Element by element

    package mutating func add(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID { broadcast(.add, a, b) }
    package mutating func subtract(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID {
        broadcast(.subtract, a, b)
    }
    package mutating func multiply(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID {
        broadcast(.multiply, a, b)
    }
    package mutating func divide(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID { broadcast(.divide, a, b) }
    package mutating func maximum(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID { broadcast(.maximum, a, b) }
    package mutating func exp(_ x: Graph.ValueID) -> Graph.ValueID { map(.exp, x) }
    package mutating func log(_ x: Graph.ValueID) -> Graph.ValueID { map(.log, x) }
    package mutating func tanh(_ x: Graph.ValueID) -> Graph.ValueID { map(.tanh, x) }
    package mutating func erf(_ x: Graph.ValueID) -> Graph.ValueID { map(.erf, x) }
    package mutating func squareRoot(_ x: Graph.ValueID) -> Graph.ValueID { map(.squareRoot, x) }
    package mutating func sine(_ x: Graph.ValueID) -> Graph.ValueID { map(.sine, x) }
    package mutating func cosine(_ x: Graph.ValueID) -> Graph.ValueID { map(.cosine, x) }

    // MARK: Rows and matrices

    package mutating func matmul(_ a: Graph.ValueID, _ b: Graph.ValueID) -> Graph.ValueID {
        let (left, right) = (shape(of: a), shape(of: b))
        precondition(left[left.count - 1] == right[right.count - 2], "cannot multiply \(left) by \(right)")
        let batch = broadcastShape(Array(left.dropLast(2)), Array(right.dropLast(2)))
        return node(.matmul, [a, b], batch + [left[left.count - 2], right[right.count - 1]])
    }

    package mutating func sumAlongLastAxis(_ x: Graph.ValueID) -> Graph.ValueID {
        node(.sumAlongLastAxis, [x], shape(of: x).dropLast() + [.number(1)])
    }

    package mutating func maximumAlongLastAxis(_ x: Graph.ValueID) -> Graph.ValueID {
        node(.maximumAlongLastAxis, [x], shape(of: x).dropLast() + [.number(1)])
    }

    package mutating func causalMask(_ scores: Graph.ValueID) -> Graph.ValueID { map(.causalMask, scores) }

    package mutating func gather(_ table: Graph.ValueID, rows: Graph.ValueID) -> Graph.ValueID {
        node(.gather, [table, rows], shape(of: rows) + shape(of: table).dropFirst())
    }

    // MARK: Shapes

    package mutating func transpose(_ x: Graph.ValueID, _ axes: [Int]) -> Graph.ValueID {
        let shape = shape(of: x)
        return node(.transpose(axes), [x], axes.map { shape[$0] })
    }

    package mutating func reshape(_ x: Graph.ValueID, keeping kept: Int, _ rest: [Int]) -> Graph.ValueID {
        let shape = shape(of: x)
        precondition(
            shape[kept...].reduce(1) { $0 * $1.number } == rest.reduce(1, *), "\(shape) cannot be read as \(rest)")
        return node(.reshape(keeping: kept, rest), [x], shape[..<kept] + rest.map { .number($0) })
    }

    package mutating func insertDimension(_ x: Graph.ValueID, at axis: Int) -> Graph.ValueID {
        var shape = shape(of: x)
        shape.insert(.number(1), at: axis)
        return node(.insertDimension(axis), [x], shape)
    }

    package mutating func split(_ x: Graph.ValueID, _ lengths: [Int]) -> [Graph.ValueID] {
        let outer = Array(shape(of: x).dropLast())
        return nodes(.split(lengths), [x], lengths.map { outer + [.number($0)] })
    }

    package mutating func join(_ parts: [Graph.ValueID]) -> Graph.ValueID {
        let outer = Array(shape(of: parts[0]).dropLast())
        let width = parts.reduce(0) { $0 + self.width(of: $1) }
        return node(.concatenate(axis: outer.count), parts, outer + [.number(width)])
    }

    // MARK: Composed operations

    package mutating func softmax(_ x: Graph.ValueID) -> Graph.ValueID { map(.softmax, x) }

    package mutating func layerNorm(
        _ x: Graph.ValueID, gamma: Graph.ValueID, beta: Graph.ValueID, epsilon: Double
    ) -> Graph.ValueID {
        node(.layerNorm(epsilon: epsilon), [x, gamma, beta], shape(of: x))
    }

    package mutating func gelu(_ x: Graph.ValueID) -> Graph.ValueID {
        knowsGELU ? map(.gelu, x) : Activation.composedGELU(x, &self)
    }

    // MARK: -

    private mutating func node(
        _ primitive: Graph.Primitive, _ inputs: [Graph.ValueID], _ shape: [Dimension]
    ) -> Graph.ValueID {
        // Integers occur only as operands of arithmetic, which are converted, and as row indices, so an output has the element
        // type of the first input.
        let element = inputs.first.map { graph[$0].element } ?? .float
        return nodes(primitive, inputs, [shape], element)[0]
    }

    /// The outputs of a node, which is added unless the graph has an equal one.
    private mutating func nodes(
        _ primitive: Graph.Primitive, _ inputs: [Graph.ValueID], _ shapes: [[Dimension]],
        _ element: Graph.Element = .float
    ) -> [Graph.ValueID] {
        let key = NodeKey(primitive: primitive, inputs: inputs)
        if let known = knownNodes[key] { return known }
        let outputs = graph.addNode(primitive, inputs, shapes: shapes, element)
        knownNodes[key] = outputs
        return outputs
    }

    private struct NodeKey: Hashable {
        let primitive: Graph.Primitive
        let inputs: [Graph.ValueID]
    }

    private struct ConstantKey: Hashable {
        let values: [Double]
        let shape: [Int]
    }

    private mutating func map(_ primitive: Graph.Primitive, _ x: Graph.ValueID) -> Graph.ValueID {
        node(primitive, [float(x)], shape(of: x))
    }

    private mutating func broadcast(
        _ primitive: Graph.Primitive, _ a: Graph.ValueID, _ b: Graph.ValueID
    ) -> Graph.ValueID {
        let shape = broadcastShape(shape(of: a), shape(of: b))
        return node(primitive, [float(a), float(b)], shape)
    }

    /// The value, converted to floats if it has integers.
    private mutating func float(_ x: Graph.ValueID) -> Graph.ValueID {
        guard graph[x].element == .integer else { return x }
        return nodes(.toFloat, [x], [shape(of: x)], .float)[0]
    }

    private func broadcastShape(_ a: [Dimension], _ b: [Dimension]) -> [Dimension] {
        let rank = max(a.count, b.count)
        let a = Array(repeating: .number(1), count: rank - a.count) + a
        let b = Array(repeating: .number(1), count: rank - b.count) + b
        return zip(a, b).map { x, y in
            precondition(x == y || x == .number(1) || y == .number(1), "shapes \(a) and \(b) do not broadcast")
            return x == .number(1) ? y : x
        }
    }
}
