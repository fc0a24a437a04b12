import Tensors

/// Reads a model from the bytes of a file, which are not trusted.
package struct ONNXReader {
    /// The maximum number of dimensions.
    static let greatestRank = 8

    private let path: String
    private let bytes: UnsafeRawBufferPointer

    package init(path: String, bytes: UnsafeRawBufferPointer) {
        self.path = path
        self.bytes = bytes
    }

    /// The model.
    /// - Throws: what is wrong with the file, in one line.
    package func readModel() throws(ModelError) -> ONNXModel {
        do { return try model() } catch {
            throw ModelError(path: path, reason: "invalid or unsupported ONNX model: \(error.reason)")
        }
    }

    private typealias Problem = ProtobufReader.Problem

    private func model() throws(Problem) -> ONNXModel {
        var model = ONNXModel(), graph: Range<Int>?
        model.version = 0
        model.operatorSet = 0
        try forEachField(0..<bytes.count) { field, value throws(Problem) in
            switch field {
            case 1: model.version = try integer(value)
            case 2: model.producer = try text(value)
            case 7: graph = try range(value)
            case 8:
                // The operators of the standard are in the domain without a name.
                var domain = "", version = 0
                try forEachField(range(value)) { field, value throws(Problem) in
                    if field == 1 { domain = try text(value) }
                    if field == 2 { version = try integer(value) }
                }
                guard domain.isEmpty || domain == "ai.onnx" else {
                    throw Problem(reason: "operators of the domain \(quoted(domain)) are not supported")
                }
                model.operatorSet = version
            case 14: model.metadata.append(try entry(value))
            default: break
            }
        }
        guard let graph else { throw Problem(reason: "it has no graph") }
        guard model.operatorSet > 0 else { throw Problem(reason: "it has no operator set version") }
        try read(graph: graph, into: &model)
        return model
    }

    private func read(graph: Range<Int>, into model: inout ONNXModel) throws(Problem) {
        try forEachField(graph) { field, value throws(Problem) in
            switch field {
            case 1: model.nodes.append(try node(range(value)))
            case 5: model.tensors.append(try tensor(range(value)))
            case 11: model.inputs.append(try self.value(range(value)))
            case 12: model.outputs.append(try self.value(range(value)))
            case 15: throw Problem(reason: "sparse tensors are not supported")
            default: break
            }
        }
    }

    private func node(_ range: Range<Int>) throws(Problem) -> ONNXNode {
        var operation = "", inputs: [String] = [], outputs: [String] = []
        var attributes: [String: ONNXAttribute] = [:]
        try forEachField(range) { field, value throws(Problem) in
            switch field {
            case 1: inputs.append(try text(value))
            case 2: outputs.append(try text(value))
            case 4: operation = try text(value)
            case 5:
                let (name, attribute) = try self.attribute(self.range(value))
                guard attributes.updateValue(attribute, forKey: name) == nil else {
                    throw Problem(reason: "the attribute \(quoted(name)) occurs twice")
                }
            default: break
            }
        }
        return ONNXNode(operation: operation, inputs: inputs, outputs: outputs, attributes: attributes)
    }

    private func attribute(_ range: Range<Int>) throws(Problem) -> (name: String, value: ONNXAttribute) {
        var name = "", type = 0, number: Float = 0, integer = 0, integers: [Int] = []
        try forEachField(range) { field, value throws(Problem) in
            switch field {
            case 1: name = try text(value)
            case 2:
                guard case .fixed32(let bits) = value else { throw Problem(reason: "an attribute is not a number") }
                number = Float(bitPattern: bits)
            case 3: integer = try self.integer(value)
            case 8: try append(value, to: &integers)
            case 20: type = try self.integer(value)
            default: break
            }
        }
        switch type {
        case 1: return (name, .float(number))
        case 2: return (name, .integer(integer))
        case 7: return (name, .integers(integers))
        default: throw Problem(reason: "the type of the attribute \(quoted(name)) is not supported")
        }
    }

    private func tensor(_ range: Range<Int>) throws(Problem) -> ONNXTensor {
        var name = "", shape: [Int] = [], code = 0, content: Range<Int>?, isExternal = false
        var location: [String: String] = [:]
        try forEachField(range) { field, value throws(Problem) in
            switch field {
            case 1: try append(value, to: &shape)
            case 2: code = try integer(value)
            case 8: name = try text(value)
            case 9: content = try self.range(value)
            case 13:
                let (key, value) = try entry(value)
                location[key] = value
            case 14: isExternal = try integer(value) == 1
            case 4, 5, 6, 7, 10, 11: throw Problem(reason: "tensors are supported as raw data only")
            default: break
            }
        }
        guard shape.count <= Self.greatestRank else {
            throw Problem(reason: "the tensor \(quoted(name)) has \(shape.count) dimensions")
        }
        guard let type = ONNXType(rawValue: code) else {
            throw Problem(reason: "the tensor \(quoted(name)) is of type \(code), which is not supported")
        }
        let tensor = ONNXTensor(name: name, shape: shape, type: type, content: .bytes([]))
        guard let count = tensor.byteCount else {
            throw Problem(reason: "the tensor \(quoted(name)) has the impossible shape \(shape)")
        }
        if isExternal {
            guard let name = location["location"], let offset = Int(location["offset"] ?? "0"), offset >= 0,
                location["length"].map({ Int($0) == count }) ?? true
            else { throw Problem(reason: "the offset or length of the tensor \(quoted(name)) is not valid") }
            return tensor.with(.external(location: name, offset: offset, count: count))
        }
        guard let content, content.count == count else {
            throw Problem(
                reason: "the tensor \(quoted(name)) of shape \(shape) has \(content?.count ?? 0) bytes, not \(count)")
        }
        return tensor.with(.range(content))
    }

    /// An input or output.
    private func value(_ range: Range<Int>) throws(Problem) -> ONNXValue {
        var name = "", code = 0, shape: [Dimension] = []
        try forEachField(range) { field, value throws(Problem) in
            if field == 1 { name = try text(value) }
            guard field == 2 else { return }
            try forEachField(self.range(value)) { field, value throws(Problem) in
                guard field == 1 else { throw Problem(reason: "an input or output is not a tensor") }
                try forEachField(self.range(value)) { field, value throws(Problem) in
                    if field == 1 { code = try integer(value) }
                    if field == 2 { shape = try self.shape(self.range(value)) }
                }
            }
        }
        guard let type = ONNXType(rawValue: code) else {
            throw Problem(reason: "\(quoted(name)) is of type \(code), which is not supported")
        }
        return ONNXValue(name: name, type: type, shape: shape)
    }

    private func shape(_ range: Range<Int>) throws(Problem) -> [Dimension] {
        var shape: [Dimension] = []
        try forEachField(range) { field, value throws(Problem) in
            guard field == 1 else { return }
            guard shape.count < Self.greatestRank else { throw Problem(reason: "an input has too many dimensions") }
            var dimension = Dimension.symbol("")
            try forEachField(self.range(value)) { field, value throws(Problem) in
                if field == 1 { dimension = .number(try integer(value)) }
                if field == 2 { dimension = .symbol(try text(value)) }
            }
            shape.append(dimension)
        }
        return shape
    }

    private func entry(_ value: ProtobufReader.Value) throws(Problem) -> (key: String, value: String) {
        var entry = (key: "", value: "")
        try forEachField(range(value)) { field, value throws(Problem) in
            if field == 1 { entry.key = try text(value) }
            if field == 2 { entry.value = try text(value) }
        }
        return entry
    }

    // MARK: Fields

    private func forEachField(
        _ range: Range<Int>, _ body: (Int, ProtobufReader.Value) throws(Problem) -> Void
    ) throws(Problem) {
        var reader = ProtobufReader(bytes, range)
        while let (field, value) = try reader.next() { try body(field, value) }
    }

    private func range(_ value: ProtobufReader.Value) throws(Problem) -> Range<Int> {
        guard case .bytes(let range) = value else { throw Problem(reason: "expected a message, found a number") }
        return range
    }

    private func text(_ value: ProtobufReader.Value) throws(Problem) -> String {
        let range = try range(value)
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw Problem(reason: "the string at byte \(range.lowerBound) is not valid UTF-8")
        }
        return text
    }

    private func integer(_ value: ProtobufReader.Value) throws(Problem) -> Int {
        guard case .integer(let bits) = value else {
            throw Problem(reason: "expected a number")
        }
        return Int(truncatingIfNeeded: bits)
    }

    /// Appends one number of several, or all if they are packed in one field.
    private func append(_ value: ProtobufReader.Value, to numbers: inout [Int]) throws(Problem) {
        guard case .bytes(let range) = value else { return numbers.append(try integer(value)) }
        var reader = ProtobufReader(bytes, range)
        while !reader.isAtEnd { numbers.append(Int(truncatingIfNeeded: try reader.varint())) }
    }
}

extension ONNXTensor {
    fileprivate func with(_ content: Content) -> ONNXTensor {
        ONNXTensor(name: name, shape: shape, type: type, content: content)
    }
}
