import Files
import Models
import Platform
import Tensors

/// Compares an exported file with its model: every number of the weights, and the logits, for other sizes than those that the
/// graph was traced with.
package struct ONNXCheck {
    /// The maximum relative error of logits: that of 32-bit floats summed in another order.
    static let tolerance: Float = 3e-5

    private let model: any NeuralLanguageModel
    private let hasCache: Bool
    /// The path of the file in errors.
    private let path: String

    /// - Parameters:
    ///   - model: the model that was exported.
    ///   - hasCache: whether the graph has a cache.
    ///   - path: the path of the file in errors.
    package init(_ model: any NeuralLanguageModel, hasCache: Bool, path: String) {
        self.model = model
        self.hasCache = hasCache
        self.path = path
    }

    /// Compares a file with the model.
    /// - Parameters:
    ///   - graph: the file.
    ///   - data: the file of its weights, if it has one.
    /// - Returns: the largest difference of a logit.
    /// - Throws: if anything differs by more than rounding.
    @discardableResult
    package func run(graph: String, data: String?) throws -> Float {
        do {
            let file = try ONNXFile(path: graph, data: data)
            let interpreter = try interpreter(for: file)
            return try Execution.with(weights: .float32) {
                var largest: Float = 0
                for (batch, length) in [(2, 3), (1, 7)] {
                    let ids = (0..<batch * length).map { Int32(($0 * 7919 + 13) % model.vocabularySize) }
                    largest = max(
                        largest, try compare(interpreter, TokenBatch(batch: batch, length: length, ids: ids)))
                }
                return largest
            }
        } catch let error as ModelError {
            throw failure(error.reason)
        } catch let error as ONNXInterpreter.Failure {
            throw failure(error.description)
        }
    }

    private func failure(_ reason: String) -> ModelError {
        ModelError(path: path, reason: "the export failed its check and was removed: \(reason)")
    }

    // MARK: Weights

    /// The graph of the file with the weights of the model, after all their numbers were compared with those of the file. So the
    /// weights of the file need not be in memory too; if they are rounded, the graph is checked without rounding.
    private func interpreter(for file: ONNXFile) throws -> ONNXInterpreter {
        var parameters: [String: Tensor] = [:]
        for named in model.parameters { parameters[named.name] = named.parameter.value }
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

    // MARK: Logits

    /// Compares the logits of the graph with those of the model. With a cache, the graph runs on all tokens but the last two at
    /// once, and then on each of those.
    private func compare(_ interpreter: ONNXInterpreter, _ tokens: TokenBatch) throws -> Float {
        var largest: Float = 0
        let length = min(tokens.length, model.contextLength ?? .max), V = model.vocabularySize
        let tokens = tokens.columns(0..<length)
        let expected = model.logits(tokens)
        let single = hasCache ? min(2, length - 1) : 0
        var past = interpreter.emptyPast(batch: tokens.batch)
        for columns in [0..<length - single] + (0..<single).map({ length - single + $0..<length - single + $0 + 1 }) {
            let ids = tokens.columns(columns).ids.map(Int.init)
            var outputs = try interpreter.run(
                past.merging(["input_ids": .integers(ids, shape: [tokens.batch, columns.count])]) { $1 })
            guard case .floats(let logits)? = outputs.removeValue(forKey: "logits") else {
                throw ONNXInterpreter.Failure("it has no output 'logits'")
            }
            guard logits.shape == [tokens.batch, columns.count, V] else {
                throw ONNXInterpreter.Failure("its logits have the shape \(logits.shape)")
            }
            let expected = expected.columns(columns, of: length)
            guard let difference = largestDifference(logits, expected) else {
                throw ONNXInterpreter.Failure("some logits are not finite numbers")
            }
            guard difference.relative <= Self.tolerance else {
                throw ONNXInterpreter.Failure(
                    "logits for \(tokens.batch) sequences of \(length) tokens have a relative "
                        + "error of \(difference.relative)")
            }
            largest = max(largest, difference.absolute)
            past = [:]
            for (name, array) in outputs where name.hasPrefix("present.") {
                past["past_key_values." + name.dropFirst("present.".count)] = array
            }
        }
        return largest
    }

    /// The largest absolute difference, and the largest relative one: divided by the expected number plus the root mean square of
    /// all. nil if a difference is not finite.
    private func largestDifference(_ actual: Tensor, _ expected: Tensor) -> (absolute: Float, relative: Float)? {
        actual.withElements { actual in
            expected.withElements { expected in
                let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
                let typical = Float((squares / Double(max(1, expected.count))).squareRoot())
                var largest: (absolute: Float, relative: Float) = (0, 0)
                for i in actual.indices {
                    let difference = abs(actual[i] - expected[i])
                    if !difference.isFinite { return nil }
                    if difference == 0 { continue }
                    largest.absolute = max(largest.absolute, difference)
                    largest.relative = max(largest.relative, difference / (abs(expected[i]) + typical))
                }
                return largest
            }
        }
    }
}

extension ONNXInterpreter {
    /// An empty past for each input that is part of the cache.
    package func emptyPast(batch: Int) -> [String: Array] {
        var past: [String: Array] = [:]
        for input in model.inputs where input.shape.contains(.past) {
            let shape = input.shape.map { length -> Int in
                switch length {
                case .number(let number): min(max(0, number), 1 << 20)
                case .batch: batch
                default: 0
                }
            }
            past[input.name] = .floats(Tensor(Shape(shape)))
        }
        return past
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

extension TokenBatch {
    /// Some tokens of each sequence.
    fileprivate func columns(_ range: Range<Int>) -> TokenBatch {
        let ids = (0..<batch).flatMap { self.ids[$0 * length + range.lowerBound..<$0 * length + range.upperBound] }
        return TokenBatch(batch: batch, length: range.count, ids: ids)
    }
}

extension Tensor {
    /// Some positions of each of several sequences: (B, T, V) to (B, range, V).
    fileprivate func columns(_ range: Range<Int>, of length: Int) -> Tensor {
        if range.count == length { return self }
        let (B, T, V) = shape.three, part = Tensor(uninitialized: [B, range.count, V])
        withElements { all in
            part.withElements { part in
                for b in 0..<B {
                    let start = (b * T + range.lowerBound) * V, count = range.count * V
                    _ = part[b * count..<(b + 1) * count].update(fromContentsOf: all[start..<start + count])
                }
            }
        }
        return part
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, count) == 0
    }
}
