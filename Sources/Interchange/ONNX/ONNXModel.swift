import Tensors

/// A model in ONNX: the part of the format (https://onnx.ai/onnx/repo-docs/IR.html) that exports use.
package struct ONNXModel {
    /// The version of the file format.
    package var version = 8
    /// The version of the set of operators.
    package var operatorSet = 17
    /// The name of the program that wrote the model.
    package var producer = "swift-gpt"
    /// Texts by key.
    package var metadata: [(key: String, value: String)] = []
    package var inputs: [ONNXValue] = []
    package var outputs: [ONNXValue] = []
    /// The nodes, in an order in which they can be computed.
    package var nodes: [ONNXNode] = []
    /// The initializers: weights and constants.
    package var tensors: [ONNXTensor] = []
}

/// The application of an operator to named values.
package struct ONNXNode: Equatable {
    package let operation: String
    package let inputs: [String]
    package let outputs: [String]
    package let attributes: [String: ONNXAttribute]
}

/// The value of an attribute of a node.
package enum ONNXAttribute: Equatable, Sendable {
    case integer(Int)
    case float(Float)
    case integers([Int])
}

/// The name, type and shape of an input or output.
package struct ONNXValue: Equatable {
    package let name: String
    package let type: ONNXType
    package let shape: [Dimension]
}

/// Number types, by their codes in the format.
package enum ONNXType: Int, Sendable {
    case float32 = 1
    case int64 = 7
    case bool = 9
    case float16 = 10
    case bfloat16 = 16

    /// The suffix of a parameter's name if it is stored in this type.
    var suffix: String { self == .float32 ? "" : ".\(self)" }

    /// The size of a number in bytes.
    var size: Int {
        switch self {
        case .int64: 8
        case .float32: 4
        case .float16, .bfloat16: 2
        case .bool: 1
        }
    }
}

/// An initializer.
package struct ONNXTensor {
    /// Where the numbers are.
    package enum Content {
        /// These bytes, little-endian and in row-major order.
        case bytes([UInt8])
        /// A parameter in memory.
        case parameter(Parameter)
        /// A range of the file that was read.
        case range(Range<Int>)
        /// Bytes of another file. Its name is never used as a path.
        case external(location: String, offset: Int, count: Int)
    }

    package let name: String
    package let shape: [Int]
    package let type: ONNXType
    package var content: Content

    /// The number of its bytes; nil if the shape is impossible.
    package var byteCount: Int? { Interchange.byteCount(of: shape, elementSize: type.size) }
}
