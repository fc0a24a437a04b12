import Tensors

/// Runs an ONNX model, to check an export: matrix products with the kernels of this library, everything else with simple loops. It
/// supports the operators that exports use, independently of how they are written.
package struct ONNXInterpreter {
    /// An array with its shape in this run.
    package enum Array: Sendable {
        case floats(Tensor)
        case integers([Int], shape: [Int])
        case booleans([Bool], shape: [Int])
        /// The transpose of this matrix, which is not copied.
        case transposed(Tensor)

        package var shape: [Int] {
            switch self {
            case .floats(let tensor): tensor.shape.dimensions
            case .integers(_, let shape), .booleans(_, let shape): shape
            case .transposed(let tensor): tensor.shape.dimensions.reversed()
            }
        }
    }

    /// Why a model cannot be run.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(_ description: String) { self.description = description }
    }

    let model: ONNXModel
    private let constants: [String: Array]
    /// The last node that reads each value.
    private var lastUse: [String: Int] = [:]

    /// - Parameters:
    ///   - model: the model.
    ///   - tensor: returns the array of an initializer.
    package init(_ model: ONNXModel, tensor: (ONNXTensor) throws -> Array) throws {
        self.model = model
        var constants: [String: Array] = [:]
        for initializer in model.tensors {
            let array = try tensor(initializer)
            guard array.shape == initializer.shape else {
                throw Failure("\(quoted(initializer.name)) has the shape \(array.shape), not \(initializer.shape)")
            }
            constants[initializer.name] = array
        }
        self.constants = constants
        for (number, node) in model.nodes.enumerated() {
            for input in node.inputs { lastUse[input] = number }
        }
        for output in model.outputs { lastUse[output.name] = model.nodes.count }
    }

    /// The outputs for these inputs.
    /// - Throws: if an input is missing, a node cannot be computed, or dimensions with the same name have different lengths.
    package func run(_ inputs: [String: Array]) throws -> [String: Array] {
        var lengths: [String: Int] = [:]
        var values: [String: Array] = [:]
        for input in model.inputs {
            guard let array = inputs[input.name] else { throw Failure("the input \(quoted(input.name)) is missing") }
            try match(array, input, &lengths)
            values[input.name] = array
        }
        for (number, node) in model.nodes.enumerated() {
            let arguments = try node.inputs.map { name in
                guard let array = values[name] ?? constants[name] else {
                    throw Failure("\(quoted(name)) is read before it is computed")
                }
                return array
            }
            do {
                let results = try ONNXOperation(node, arguments).run()
                guard results.count >= node.outputs.count else { throw Failure("it has too few outputs") }
                for (name, array) in zip(node.outputs, results) { values[name] = array }
            } catch let failure as Failure {
                throw Failure("the node \(number), \(quoted(node.operation)): \(failure)")
            }
            for name in node.inputs where lastUse[name] == number { values[name] = nil }
        }
        var outputs: [String: Array] = [:]
        for output in model.outputs {
            guard let array = values[output.name] ?? constants[output.name] else {
                throw Failure("the output \(quoted(output.name)) is never computed")
            }
            try match(array, output, &lengths)
            outputs[output.name] = array
        }
        return outputs
    }

    /// Throws if the type or shape of an array differs from the declaration of an input or output.
    private func match(_ array: Array, _ value: ONNXValue, _ lengths: inout [String: Int]) throws {
        let problem = Failure("\(quoted(value.name)) has the shape \(Shape(array.shape)), not the declared one")
        guard array.shape.count == value.shape.count else { throw problem }
        for (length, dimension) in zip(array.shape, value.shape) {
            switch dimension {
            case .number(let number): if length != number { throw problem }
            case .symbol(let name):
                if !name.isEmpty, lengths[name, default: length] != length { throw problem }
                lengths[name] = length
            }
        }
        switch (array, value.type) {
        case (.floats, .float32), (.transposed, .float32), (.integers, .int64), (.booleans, .bool): break
        default: throw Failure("\(quoted(value.name)) does not have its declared type")
        }
    }
}
