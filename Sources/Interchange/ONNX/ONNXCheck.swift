import Files
import Models
import Platform
import Tensors

/// Compares an exported file with its model: every number of the weights, and the results, for other sizes than those that the
/// graph was traced with.
package struct ONNXCheck {
    /// The maximum relative error of results: that of 32-bit floats summed in another order.
    static let tolerance: Float = 3e-5

    /// The parameters of the graph by their names.
    private let parameters: [String: Tensor]
    /// The path of the file in errors.
    private let path: String
    /// Compares the results of the file's graph with those of the model, and returns the largest difference.
    private let compareResults: (ONNXInterpreter) throws -> Float

    /// - Parameters:
    ///   - graph: the graph that was exported.
    ///   - path: the path of the file in errors.
    ///   - compare: compares the results of the file's graph with those of the model, and returns the largest difference.
    init(_ graph: Graph, path: String, compare: @escaping (ONNXInterpreter) throws -> Float) {
        var parameters: [String: Tensor] = [:]
        for named in graph.parameters { parameters[named.name] = named.parameter.value }
        self.parameters = parameters
        self.path = path
        compareResults = compare
    }

    /// Compares a file with the model.
    /// - Parameters:
    ///   - graph: the file.
    ///   - data: the file of its weights, if it has one.
    /// - Returns: the largest difference of a number.
    /// - Throws: if anything differs by more than rounding.
    @discardableResult
    package func run(graph: String, data: String?) throws -> Float {
        try Self.reporting(path) {
            let interpreter = try interpreter(for: try ONNXFile(path: graph, data: data))
            return try Execution.with(weights: .float32) { try compareResults(interpreter) }
        }
    }

    /// Runs a check. Its failures become errors that name a path.
    static func reporting<Result>(_ path: String, _ check: () throws -> Result) throws -> Result {
        func failure(_ reason: String) -> ModelError {
            ModelError(path: path, reason: "the export failed its check and was removed: \(reason)")
        }
        do { return try check() } catch let error as ModelError {
            throw failure(error.reason)
        } catch let error as ONNXInterpreter.Failure {
            throw failure(error.description)
        }
    }

    // MARK: Weights

    /// The graph of the file with the weights of the model, after all their numbers were compared with those of the file. So the
    /// weights of the file need not be in memory too; if they are rounded, the graph is checked without rounding.
    private func interpreter(for file: ONNXFile) throws -> ONNXInterpreter {
        var found = 0
        let interpreter = try ONNXInterpreter(file.model) { tensor in
            let name = String(tensor.name.dropLast(tensor.type.suffix.count))
            guard let parameter = parameters[name] else {
                let (file, range) = try file.location(of: tensor)
                return try withExtendedLifetime(file) {
                    try tensor.array(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
                }
            }
            try compare(tensor, in: file, with: parameter)
            found += 1
            return .floats(parameter)
        }
        guard found == parameters.count else {
            throw ONNXInterpreter.Failure("it has \(found) of the model's \(parameters.count) parameters")
        }
        return interpreter
    }

    private func compare(_ tensor: ONNXTensor, in file: ONNXFile, with parameter: Tensor) throws {
        let (file, range) = try file.location(of: tensor)
        let problem = ONNXInterpreter.Failure("the weights of \(quoted(tensor.name)) differ from those of the model")
        guard tensor.shape == parameter.shape.dimensions else { throw problem }
        var position = range.lowerBound
        try withExtendedLifetime(file) {
            try ONNXWriter.write(parameter, as: tensor.type) { expected in
                // Each chunk is released after it was read, so that the file is never completely in memory.
                for start in stride(from: 0, to: expected.count, by: 1 << 24) {
                    let chunk = expected[start..<min(start + 1 << 24, expected.count)]
                    let read = position..<position + chunk.count
                    guard read.upperBound <= range.upperBound,
                        UnsafeRawBufferPointer(rebasing: file.bytes[read])
                            .hasSameBytes(as: UnsafeRawBufferPointer(rebasing: chunk))
                    else { throw problem }
                    file.release(read)
                    position = read.upperBound
                }
            }
        }
        guard position == range.upperBound else { throw problem }
    }

    // MARK: Results

    /// The largest absolute difference between numbers.
    /// - Parameter what: what they are, with a verb in the plural before it.
    /// - Throws: if a relative difference is larger than the tolerance. It is relative to the expected number plus the root mean
    ///   square of all.
    static func difference(_ actual: Tensor, _ expected: Tensor, _ what: String) throws -> Float {
        var largest: Float = 0
        try actual.withElements { actual in
            try expected.withElements { expected in
                let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
                let typical = Float((squares / Double(max(1, expected.count))).squareRoot())
                for i in actual.indices {
                    let difference = abs(actual[i] - expected[i])
                    guard difference.isFinite else {
                        throw ONNXInterpreter.Failure("some \(what) are not finite numbers")
                    }
                    if difference == 0 { continue }
                    largest = max(largest, difference)
                    let relative = difference / (abs(expected[i]) + typical)
                    guard relative <= Self.tolerance else {
                        throw ONNXInterpreter.Failure("\(what) have a relative error of \(relative)")
                    }
                }
            }
        }
        return largest
    }
}

extension ONNXInterpreter {
    /// The floats of an output.
    func floats(_ name: String, in outputs: [String: Array], shape: Shape) throws -> Tensor {
        guard case .floats(let tensor)? = outputs[name] else { throw Failure("it has no output \(quoted(name))") }
        guard tensor.shape == shape else { throw Failure("its \(name) has the shape \(tensor.shape), not \(shape)") }
        return tensor
    }
}

extension ONNXTensor {
    /// The array with these bytes, for a constant.
    package func array(_ bytes: UnsafeRawBufferPointer) throws -> ONNXInterpreter.Array {
        switch type {
        case .int64:
            let numbers = stride(from: 0, to: bytes.count, by: 8).map {
                Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self)))
            }
            return .integers(numbers, shape: shape)
        case .float32:
            let numbers = stride(from: 0, to: bytes.count, by: 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
            }
            return .floats(Tensor(Shape(shape), numbers))
        default: throw ONNXInterpreter.Failure("the constant \(quoted(name)) is of type \(type)")
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, count) == 0
    }
}
