import Tensors

/// A model in the terms of ONNX: what of the format (https://onnx.ai/onnx/repo-docs/IR.html) exports are made of.
package struct ONNXModel {
    /// The version of the file format.
    package var version = 8
    /// The version of the set of operators.
    package var operatorSet = 17
    package var producer = "swift-gpt"
    /// Texts that belong to the model.
    package var metadata: [(key: String, value: String)] = []
    package var inputs: [ONNXValue] = []
    package var outputs: [ONNXValue] = []
    /// In the order in which they can be computed.
    package var nodes: [ONNXNode] = []
    /// Initializers: weights and constants.
    package var tensors: [ONNXTensor] = []
}

package struct ONNXNode: Equatable {
    package let operation: String
    package let inputs: [String]
    package let outputs: [String]
    package let attributes: [String: ONNXAttribute]
}

package enum ONNXAttribute: Equatable, Sendable {
    case integer(Int)
    case float(Float)
    case integers([Int])
}

/// The name and type of an input or output.
package struct ONNXValue: Equatable {
    package let name: String
    package let type: ONNXType
    package let shape: [Dimension]
}

/// Types of numbers, by their codes in the format.
package enum ONNXType: Int, Sendable {
    case float32 = 1
    case int64 = 7
    case bool = 9
    case float16 = 10
    case bfloat16 = 16

    /// What the name of a parameter that is stored in this type ends with.
    var suffix: String { self == .float32 ? "" : ".\(self)" }

    var size: Int {
        switch self {
        case .int64: 8
        case .float32: 4
        case .float16, .bfloat16: 2
        case .bool: 1
        }
    }
}

package struct ONNXTensor {
    package enum Content {
        /// Little-endian, row by row.
        case bytes([UInt8])
        /// A parameter that is written from where it is.
        case parameter(Parameter)
        /// Where the bytes lie in the file that was read.
        case range(Range<Int>)
        /// Bytes of a file beside the model's. Its name is never followed.
        case external(location: String, offset: Int, count: Int)
    }

    package let name: String
    package let shape: [Int]
    package let type: ONNXType
    package var content: Content

    /// The number of its bytes; nil if the shape is impossible.
    package var byteCount: Int? { Interchange.byteCount(of: shape, elementSize: type.size) }
}
