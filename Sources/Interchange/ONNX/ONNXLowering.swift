import Tensors

extension ONNXModel {
    /// The model that computes a graph.
    /// - Parameters:
    ///   - graph: the graph.
    ///   - weights: the type in which the parameters are stored. Computations use 32-bit floats.
    package init(_ graph: Graph, weights: ONNXType = .float32) {
        var lowering = ONNXLowering(graph, weights: weights)
        for number in graph.nodes.indices { lowering.lower(number) }
        self = lowering.model
    }
}

/// Converts each node of a graph to one or several nodes of ONNX.
private struct ONNXLowering {
    private(set) var model = ONNXModel()
    private let graph: Graph
    private var names: [Graph.ValueID: String] = [:]
    /// The names of what several nodes share: lengths, masks and small constants.
    private var shared: Set<String> = []

    init(_ graph: Graph, weights: ONNXType) {
        self.graph = graph
        for named in graph.inputs + graph.outputs { names[named.value] = named.name }
        model.inputs = graph.inputs.map(description)
        model.outputs = graph.outputs.map(description)
        for named in graph.parameters {
            names[named.value] = named.name
            let stored = named.name + weights.suffix
            model.tensors.append(
                ONNXTensor(
                    name: stored, shape: named.parameter.value.shape.dimensions, type: weights,
                    content: .parameter(named.parameter)))
            if weights != .float32 { add("Cast", [stored], named.name, ["to": .integer(ONNXType.float32.rawValue)]) }
        }
    }

    private func description(_ named: Graph.NamedValue) -> ONNXValue {
        let value = graph[named.value]
        return ONNXValue(name: named.name, type: value.element == .float ? .float32 : .int64, shape: value.shape)
    }

    mutating func lower(_ number: Int) {
        let node = graph.nodes[number], operation = node.primitive.operation.lowercased()
        let inputs = node.inputs.map { name($0) }
        for (part, value) in node.outputs.enumerated() where names[value] == nil {
            names[value] = node.outputs.count > 1 ? "\(operation)_\(number)_\(part)" : "\(operation)_\(number)"
        }
        let outputs = node.outputs.map { name($0) }
        let shape = graph[node.outputs[0]].shape

        var more: [String] = [], attributes: [String: ONNXAttribute] = [:]
        switch node.primitive {
        case .toFloat: attributes = ["to": .integer(ONNXType.float32.rawValue)]
        case .sumAlongLastAxis: (more, attributes) = ([integers([-1])], ["keepdims": .integer(1)])
        case .maximumAlongLastAxis: attributes = ["axes": .integers([-1]), "keepdims": .integer(1)]
        case .gather: attributes = ["axis": .integer(0)]
        case .firstPositions: (more, attributes) = ([integer(0)], ["axis": .integer(1)])
        case .transpose(let axes): attributes = ["perm": .integers(axes)]
        // 0 keeps the length of the input.
        case .reshape(let kept, let rest): more = [integers(Array(repeating: 0, count: kept) + rest)]
        case .insertDimension(let axis): more = [integers([axis])]
        case .split(let lengths): (more, attributes) = ([integers(lengths)], ["axis": .integer(-1)])
        case .concatenate(let axis): attributes = ["axis": .integer(axis)]
        case .softmax: attributes = ["axis": .integer(-1)]
        case .layerNorm(let epsilon): attributes = ["axis": .integer(-1), "epsilon": .float(Float(epsilon))]
        case .positions:
            names[node.outputs[0]] = queryPositions()
            return
        case .causalMask:
            let visible = mask(keys: shape[shape.count - 1])
            add("Where", [visible, inputs[0], constant([-1e30], shape: [])], outputs[0])
            return
        default: break
        }
        model.nodes.append(
            ONNXNode(
                operation: node.primitive.operation, inputs: inputs + more, outputs: outputs, attributes: attributes))
    }

    /// The name of a value; a constant is added to the model at its first use.
    private mutating func name(_ value: Graph.ValueID) -> String {
        if let name = names[value] { return name }
        guard case .constant(let numbers) = graph[value].origin else { preconditionFailure("a value without a name") }
        let name = constant(numbers, shape: graph[value].shape.map(\.number), named: "constant_\(value)")
        names[value] = name
        return name
    }

    // MARK: Lengths and masks

    /// A length as a scalar, from the shape of an input that has this dimension.
    private mutating func length(_ dimension: Dimension) -> String {
        switch dimension {
        case .number(let number): return integer(number)
        case .total: return once("total_length") { $0.add("Add", [$0.length(.past), $0.length(.sequence)], $1) }
        default:
            for input in model.inputs {
                guard let axis = input.shape.firstIndex(of: dimension) else { continue }
                let lengths = once("\(input.name).shape") { $0.add("Shape", [input.name], $1) }
                return once("\(dimension)") {
                    $0.add("Gather", [lengths, $0.integer(axis)], $1, ["axis": .integer(0)])
                }
            }
            return integer(0)  // the length of the past, without a cache
        }
    }

    private var hasPast: Bool { model.inputs.contains { $0.shape.contains(.past) } }

    /// The positions of the tokens, (T).
    private mutating func queryPositions() -> String {
        once("positions") {
            $0.add("Range", [$0.length(.past), $0.length($0.hasPast ? .total : .sequence), $0.integer(1)], $1)
        }
    }

    /// Whether each query may attend to each key: (T, S).
    private mutating func mask(keys: Dimension) -> String {
        once("mask") {
            let queries = $0.once("positions.column") {
                $0.add("Unsqueeze", [$0.queryPositions(), $0.integers([1])], $1)
            }
            let keys = $0.once("positions.keys") {
                $0.add("Range", [$0.integer(0), $0.length(keys), $0.integer(1)], $1)
            }
            $0.add("GreaterOrEqual", [queries, keys], $1)
        }
    }

    // MARK: Nodes and constants

    private mutating func add(
        _ operation: String, _ inputs: [String], _ output: String, _ attributes: [String: ONNXAttribute] = [:]
    ) {
        model.nodes.append(
            ONNXNode(operation: operation, inputs: inputs, outputs: [output], attributes: attributes))
    }

    /// Adds what `make` adds under a name, unless the model has it already. Returns the name.
    private mutating func once(_ name: String, _ make: (inout Self, _ name: String) -> Void) -> String {
        if shared.insert(name).inserted { make(&self, name) }
        return name
    }

    private mutating func integer(_ number: Int) -> String { tensor("integer.\(number)", shape: [], [number]) }

    private mutating func integers(_ numbers: [Int]) -> String {
        let name = "integers." + numbers.map(String.init).joined(separator: ".")
        return tensor(name, shape: [numbers.count], numbers)
    }

    private mutating func tensor(_ name: String, shape: [Int], _ numbers: [Int]) -> String {
        let bytes = numbers.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, Array.init) }
        return once(name) {
            $0.model.tensors.append(ONNXTensor(name: $1, shape: shape, type: .int64, content: .bytes(bytes)))
        }
    }

    /// Floats; a scalar is named after its value.
    private mutating func constant(_ numbers: [Double], shape: [Int], named name: String = "constant") -> String {
        let bytes = numbers.flatMap { withUnsafeBytes(of: Float($0).bitPattern.littleEndian, Array.init) }
        return once(shape.isEmpty ? "number.\(Float(numbers[0]))" : name) {
            $0.model.tensors.append(ONNXTensor(name: $1, shape: shape, type: .float32, content: .bytes(bytes)))
        }
    }
}

extension Graph.Primitive {
    /// The name of the operator.
    fileprivate var operation: String {
        switch self {
        case .add: "Add"
        case .subtract: "Sub"
        case .multiply: "Mul"
        case .divide: "Div"
        case .maximum: "Max"
        case .exp: "Exp"
        case .log: "Log"
        case .tanh: "Tanh"
        case .erf: "Erf"
        case .squareRoot: "Sqrt"
        case .sine: "Sin"
        case .cosine: "Cos"
        case .toFloat: "Cast"
        case .positions: "Range"
        case .matmul: "MatMul"
        case .sumAlongLastAxis: "ReduceSum"
        case .maximumAlongLastAxis: "ReduceMax"
        case .causalMask: "Where"
        case .gather, .firstPositions: "Gather"
        case .transpose: "Transpose"
        case .reshape: "Reshape"
        case .insertDimension: "Unsqueeze"
        case .split: "Split"
        case .concatenate: "Concat"
        case .softmax: "Softmax"
        case .layerNorm: "LayerNormalization"
        case .gelu: "Gelu"  // in later operator sets; graphs for this one have no such node
        }
    }
}
