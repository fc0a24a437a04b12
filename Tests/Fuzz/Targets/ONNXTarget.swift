import Files
import Interchange
import Models
import TestSupport

extension FuzzSuite {
    /// Computation graphs.
    static func graphs() throws -> FuzzSuite {
        FuzzSuite("graphs", "ONNX files, and running their graphs", [try ONNXTarget()])
    }
}

/// A file is a one-line error that names it, or it is parsed, and its graph is run or is an error.
private struct ONNXTarget: FuzzTarget {
    let name = "onnx"
    private let mutator: Mutator

    init() throws {
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 5, contextLength: 6, layers: 1, heads: 2, width: 4), seed: 1)
        let samples = try [false, true].flatMap { hasCache in
            // The second has its weights in another file.
            try [1 << 30, 100].map { greatestFile in
                let directory = TemporaryDirectory(), path = directory.file("model.onnx")
                try ONNXExport.write(
                    model, tokenizer: nil, to: path, options: .init(hasCache: hasCache, greatestFile: greatestFile))
                return try Fixtures.bytes(path)
            }
        }
        let operators = [
            "Add", "MatMul", "Range", "Gather", "Where", "Split", "Concat", "Reshape", "Transpose", "Shape",
        ]
        // A key, a length beyond any file, and a varint of eleven bytes.
        let fields: [[UInt8]] = [
            [0x3A], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0x08] + [UInt8](repeating: 0xFF, count: 11), [0x2A, 0],
            [0x4A, 0], [0x70, 1],
        ]
        mutator = Mutator(samples, words: operators.map { Array($0.utf8) } + fields + Mutator.binaryNumbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let model: ONNXModel
        do { model = try input.withUnsafeBytes { try ONNXReader(path: "a.onnx", bytes: $0).readModel() } } catch {
            try demandOneLine(error)
            return try demand("\(error)".hasPrefix("a.onnx: "), "the error does not name the file")
        }
        for tensor in model.tensors {
            if case .range(let range) = tensor.content {
                try demand(
                    range.upperBound <= input.count && range.count == tensor.byteCount, "a tensor is outside the file")
            }
        }
        do {
            let interpreter = try ONNXInterpreter(model) { tensor in
                guard case .range(let range) = tensor.content else { throw ONNXInterpreter.Failure("elsewhere") }
                return try input.withUnsafeBytes { try tensor.array(UnsafeRawBufferPointer(rebasing: $0[range])) }
            }
            for (batch, length) in [(1, 1), (2, 3)] {
                let ids = ONNXInterpreter.Array.integers((0..<batch * length).map { $0 % 5 }, shape: [batch, length])
                _ = try interpreter.run(interpreter.emptyPast(batch: batch).merging(["input_ids": ids]) { $1 })
            }
        } catch let error as ONNXInterpreter.Failure { try demandOneLine(error) }
    }
}
