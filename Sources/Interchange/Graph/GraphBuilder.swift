import Tensors

/// Builds a graph from the references of ops, for batches and sequences of any length.
package struct GraphBuilder: PrimitiveBuilder {
    package private(set) var graph = Graph()
    /// The input ids, (B, T).
    private let ids: Graph.ValueID
    /// Whether the keys and values of earlier tokens are inputs, and those of all tokens outputs.
    private let hasCache: Bool
    private let knowsGELU: Bool
    private var cachedLayers = 0
    /// The nodes and constants so far, so that those that all layers share, such as rotary angles, are added once.
    private var knownNodes: [NodeKey: [Graph.ValueID]] = [:]
    private var knownConstants: [ConstantKey: Graph.ValueID] = [:]
    /// The keys and values of all tokens in each layer.
    private var present: [Graph.NamedValue] = []

    package init(hasCache: Bool, knowsGELU: Bool) {
        self.hasCache = hasCache
        self.knowsGELU = knowsGELU
        ids = graph.addInput("input_ids", [.batch, .sequence], .integer)
    }

    package mutating func parameter(_ name: String, _ parameter: Parameter) -> Graph.ValueID {
        graph.addParameter(name, parameter)
    }

    /// The graph whose outputs are `logits` and, with a cache, the past of the next call.
    package func finished(logits: Graph.ValueID) -> Graph {
        var graph = graph
        graph.addOutput("logits", logits)
        for output in present { graph.addOutput(output.name, output.value) }
        return graph
    }

    package func shape(of value: Graph.ValueID) -> [Dimension] { graph[value].shape }

    // MARK: Inputs of a model

    package func tokens(_ batch: TokenBatch) -> Graph.ValueID { ids }

    package mutating func positions(_ count: Dimension, after past: Int) -> Graph.ValueID {
        precondition(count == .sequence, "positions of \(count) tokens")
        return nodes(.positions, [], [[count]], .integer)[0]
    }

    package mutating func withPast(
        keys: Graph.ValueID, values: Graph.ValueID
    ) -> (keys: Graph.ValueID, values: Graph.ValueID) {
        guard hasCache else { return (keys, values) }
        let layer = cachedLayers
        cachedLayers += 1
        // Inputs and outputs in the order keys, values, layer by layer.
        func extended(_ new: Graph.ValueID, _ name: String) -> Graph.ValueID {
            let axis = shape(of: new).count - 2
            var shape = shape(of: new)
            shape[axis] = .past
            let past = graph.addInput("past_key_values.\(layer).\(name)", shape, .float)
            shape[axis] = .total
            let all = node(.concatenate(axis: axis), [past, new], shape)
            present.append(Graph.NamedValue(name: "present.\(layer).\(name)", value: all))
            return all
        }
        return (extended(keys, "key"), extended(values, "value"))
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
