import Files
import Tensors

/// Writes ONNX files. The field numbers are those of onnx.proto.
enum ONNXWriter {
    /// The maximum size of a file in this encoding: 2 GiB, less a reserve.
    static let greatestFile = 1 << 31 - 1 << 16

    /// The alignment of weights in a second file, so that they can be mapped into memory.
    private static let alignment = 4096

    /// The model as a message.
    /// - Parameters:
    ///   - model: the model.
    ///   - dataFile: the name of the file that contains the parameters; nil if the message contains them.
    static func message(_ model: ONNXModel, dataFile: String?) -> ProtobufMessage {
        var graph = ProtobufMessage()
        for node in model.nodes { graph.add(1, message(node)) }
        graph.add(2, "model")
        var position = 0
        for tensor in model.tensors { graph.add(5, message(tensor, dataFile, &position)) }
        for value in model.inputs { graph.add(11, message(value)) }
        for value in model.outputs { graph.add(12, message(value)) }

        var operators = ProtobufMessage()
        operators.add(1, "")
        operators.add(2, model.operatorSet)
        var message = ProtobufMessage()
        message.add(1, model.version)
        message.add(2, model.producer)
        message.add(7, graph)
        message.add(8, operators)
        for (key, value) in model.metadata { message.add(14, entry(key, value)) }
        return message
    }

    /// Writes the file of the parameters, each at the offset given in `message`.
    static func writeData(_ model: ONNXModel, to writer: FileWriter) throws {
        for tensor in model.tensors {
            guard case .parameter(let parameter) = tensor.content else { continue }
            let padding = aligned(writer.position) - writer.position
            try writer.write([UInt8](repeating: 0, count: padding))
            try write(parameter.value, as: tensor.type) { try writer.write($0) }
        }
    }

    private static func aligned(_ position: Int) -> Int { (position + alignment - 1) / alignment * alignment }

    private static func message(_ node: ONNXNode) -> ProtobufMessage {
        var message = ProtobufMessage()
        for input in node.inputs { message.add(1, input) }
        for output in node.outputs { message.add(2, output) }
        message.add(3, node.outputs[0])
        message.add(4, node.operation)
        for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
            var attribute = ProtobufMessage()
            attribute.add(1, name)
            switch value {
            case .float(let number):
                attribute.add(2, number)
                attribute.add(20, 1)
            case .integer(let number):
                attribute.add(3, number)
                attribute.add(20, 2)
            case .integers(let numbers):
                for number in numbers { attribute.add(8, number) }
                attribute.add(20, 7)
            }
            message.add(5, attribute)
        }
        return message
    }

    private static func message(
        _ tensor: ONNXTensor, _ dataFile: String?, _ position: inout Int
    ) -> ProtobufMessage {
        var message = ProtobufMessage()
        for length in tensor.shape { message.add(1, length) }
        message.add(2, tensor.type.rawValue)
        message.add(8, tensor.name)
        switch tensor.content {
        case .bytes(let bytes): message.add(9, bytes)
        case .parameter(let parameter):
            let count = parameter.value.count * tensor.type.size
            guard let dataFile else {
                message.add(9, byteCount: count) { try write(parameter.value, as: tensor.type, $0) }
                break
            }
            position = aligned(position)
            message.add(13, entry("location", dataFile))
            message.add(13, entry("offset", "\(position)"))
            message.add(13, entry("length", "\(count)"))
            message.add(14, 1)
            position += count
        case .range, .external: preconditionFailure("a tensor that was read from a file")
        }
        return message
    }

    private static func message(_ value: ONNXValue) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for length in value.shape {
            var dimension = ProtobufMessage()
            switch length {
            case .number(let number): dimension.add(1, number)
            case .symbol(let name): dimension.add(2, name)
            }
            shape.add(1, dimension)
        }
        var tensor = ProtobufMessage(), type = ProtobufMessage(), message = ProtobufMessage()
        tensor.add(1, value.type.rawValue)
        tensor.add(2, shape)
        type.add(1, tensor)
        message.add(1, value.name)
        message.add(2, type)
        return message
    }

    private static func entry(_ key: String, _ value: String) -> ProtobufMessage {
        var message = ProtobufMessage()
        message.add(1, key)
        message.add(2, value)
        return message
    }

    /// Writes the numbers of a tensor as they are stored.
    static func write(_ tensor: Tensor, as type: ONNXType, _ write: ByteWriter) throws {
        try WeightConverter(tensor, .same).encode(as: type.encoding, write)
    }
}

extension ONNXType {
    /// How weights of this type are stored.
    fileprivate var encoding: NumberEncoding {
        switch self {
        case .float16: .float16
        case .bfloat16: .bfloat16
        default: .float32
        }
    }
}
