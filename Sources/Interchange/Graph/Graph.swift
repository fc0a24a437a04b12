import Tensors

/// The computation graph of a model, which exports are written from.
///
/// A graph is a list of nodes, each of which applies a primitive of `PrimitiveBuilder` to earlier values. It is traced from the
/// model itself (`GraphTracer`), for any number of sequences of any length: these dimensions have names (`Dimension.batch` and
/// so on). Weights are not copied; they are the model's own parameters.
package struct Graph {
    /// The index of a value in the graph.
    package typealias ValueID = Int

    /// The types of a value's elements.
    package enum Element: Sendable, Hashable {
        /// 32-bit floats.
        case float
        /// 64-bit integers.
        case integer
    }

    /// A value: its shape, and what computes it.
    package struct Value: Sendable {
        package let shape: [Dimension]
        package let element: Element
        package let origin: Origin
    }

    /// The origin of a value.
    package enum Origin: Sendable {
        /// The input with this index.
        case input(Int)
        /// The parameter with this index.
        case parameter(Int)
        /// These numbers, in row-major order.
        case constant([Double])
        /// An output of the node with this index.
        case node(Int)
    }

    /// The application of a primitive.
    package struct Node: Sendable {
        package let primitive: Primitive
        package let inputs: [ValueID]
        package let outputs: [ValueID]
    }

    /// An input or output.
    package struct NamedValue: Sendable {
        package let name: String
        package let value: ValueID

        package init(name: String, value: ValueID) {
            self.name = name
            self.value = value
        }
    }

    /// A parameter of the model, under its name in a checkpoint.
    package struct NamedParameter {
        package let name: String
        package let parameter: Parameter
        package let value: ValueID
    }

    package private(set) var values: [Value] = []
    /// The nodes, in an order in which they can be computed.
    package private(set) var nodes: [Node] = []
    package private(set) var inputs: [NamedValue] = []
    package private(set) var outputs: [NamedValue] = []
    package private(set) var parameters: [NamedParameter] = []

    package init() {}

    package subscript(_ id: ValueID) -> Value { values[id] }

    mutating func addInput(_ name: String, _ shape: [Dimension], _ element: Element) -> ValueID {
        inputs.append(NamedValue(name: name, value: values.count))
        return addValue(shape, element, .input(inputs.count - 1))
    }

    mutating func addOutput(_ name: String, _ value: ValueID) {
        outputs.append(NamedValue(name: name, value: value))
    }

    mutating func addParameter(_ name: String, _ parameter: Parameter) -> ValueID {
        parameters.append(NamedParameter(name: name, parameter: parameter, value: values.count))
        return addValue(
            parameter.value.shape.dimensions.map { .number($0) }, .float, .parameter(parameters.count - 1))
    }

    mutating func addConstant(_ numbers: [Double], shape: [Int]) -> ValueID {
        addValue(shape.map { .number($0) }, .float, .constant(numbers))
    }

    /// Adds a node and returns its outputs, one for each shape.
    mutating func addNode(
        _ primitive: Primitive, _ inputs: [ValueID], shapes: [[Dimension]], _ element: Element = .float
    ) -> [ValueID] {
        let outputs = shapes.map { addValue($0, element, .node(nodes.count)) }
        nodes.append(Node(primitive: primitive, inputs: inputs, outputs: outputs))
        return outputs
    }

    /// The graph without the nodes, inputs and parameters that no output depends on.
    func pruned() -> Graph {
        var isUsed = [Bool](repeating: false, count: values.count)
        for output in outputs { isUsed[output.value] = true }
        var used: [Node] = []
        for node in nodes.reversed() where node.outputs.contains(where: { isUsed[$0] }) {
            for input in node.inputs { isUsed[input] = true }
            used.append(node)
        }
        var graph = self
        graph.nodes = used.reversed()
        graph.inputs = inputs.filter { isUsed[$0.value] }
        graph.parameters = parameters.filter { isUsed[$0.value] }
        func setOrigin(_ id: ValueID, _ origin: Origin) {
            graph.values[id] = Value(shape: values[id].shape, element: values[id].element, origin: origin)
        }
        for (number, node) in graph.nodes.enumerated() {
            for output in node.outputs { setOrigin(output, .node(number)) }
        }
        for (number, input) in graph.inputs.enumerated() { setOrigin(input.value, .input(number)) }
        for (number, parameter) in graph.parameters.enumerated() { setOrigin(parameter.value, .parameter(number)) }
        return graph
    }

    private mutating func addValue(_ shape: [Dimension], _ element: Element, _ origin: Origin) -> ValueID {
        values.append(Value(shape: shape, element: element, origin: origin))
        return values.count - 1
    }
}

extension Graph {
    /// What a node computes; see the functions of the same names in `PrimitiveBuilder`.
    package enum Primitive: Sendable, Hashable {
        // Two inputs, which are broadcast.
        case add, subtract, multiply, divide, maximum
        case exp, log, tanh, erf, squareRoot, sine, cosine
        /// Integers as floats.
        case toFloat
        /// No inputs: the positions of the tokens (T), integers from the length of the past on.
        case positions
        case matmul, sumAlongLastAxis, maximumAlongLastAxis, causalMask
        /// Inputs: a table and row indices.
        case gather
        /// (B, T, C) to (B, C): the vectors of the first positions.
        case firstPositions
        case transpose([Int])
        case reshape(keeping: Int, [Int])
        case insertDimension(Int)
        /// One input, as many outputs as lengths.
        case split([Int])
        /// Any number of inputs.
        case concatenate(axis: Int)
        case softmax
        /// Inputs: x, gamma, beta.
        case layerNorm(epsilon: Double)
        /// Only in a graph that was traced for a format with this operator.
        case gelu
    }
}

extension Dimension {
    /// B, T, the length of the cache, and that plus T, under their names in exports by Hugging Face.
    package static let batch = Dimension.symbol("batch_size")
    package static let sequence = Dimension.symbol("sequence_length")
    package static let past = Dimension.symbol("past_sequence_length")
    package static let total = Dimension.symbol("past_sequence_length + sequence_length")
    /// The length of the memory that a decoder reads.
    package static let memory = Dimension.symbol("encoder_sequence_length")
}
