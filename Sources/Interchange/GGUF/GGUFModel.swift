import Files
import Layers
import Models
import Synchronization
import Tensors
import Tokenizers

/// Models in llama.cpp's format: the shape, the weights and the tokenizer in one file.
package enum GGUFModel {
    // MARK: Reading

    /// Reads a model. What is in 32-bit floats and lies as we have it stays where it is in the file's memory; everything
    /// else is converted, by all threads, and the file's memory given back on the way.
    static func load(_ path: String) throws -> SavedModel {
        let file = try GGUFFile(path: path)
        let architecture = try GGUFArchitecture(file)
        let configuration = try architecture.configuration(file)
        try checkMemory(configuration, file)
        let tokenizer = Mutex<Result<TokenizerState, any Error>?>(nil)
        let model: any NeuralLanguageModel
        switch configuration {
        case .transformer(let shape): model = Transformer(shape, weights: .uninitialized)
        default: throw file.failure("models of this type cannot be read from GGUF")
        }
        try fill(model, from: file, architecture, configuration) {
            let result = Result { try readTokenizer(file) }
            tokenizer.withLock { $0 = result }
        }
        let state = try (tokenizer.withLock { $0 } ?? Result { try readTokenizer(file) }).get()
        if case .usable(let tokenizer) = state, tokenizer.vocabularySize != model.vocabularySize {
            throw file.failure(
                "its tokenizer has \(tokenizer.vocabularySize) tokens and its model \(model.vocabularySize): they do not "
                    + "match")
        }
        return SavedModel(model: model, path: path, tokenizerState: state)
    }

    /// Refuses a model that memory or its file cannot hold before any memory is taken for it.
    private static func checkMemory(_ configuration: ModelConfiguration, _ file: GGUFFile) throws {
        let parameters = configuration.parameterCount ?? 0
        let stored = try file.names.reduce(0) { try $0 + file.entry($1).count }
        guard stored >= parameters else {
            throw file.failure(
                "it contains \(stored) numbers, and its keys describe a model with \(parameters) parameters")
        }
        try ModelDirectory.requireMemory(forWeights: parameters, of: file.path)
    }

    /// Rows of a tensor that one thread takes.
    private struct Job: Sendable {
        let weight: WeightConverter
        let entry: GGUFFile.Entry
        let rows: Range<Int>
    }

    /// Takes every parameter from the file, which must have no other tensor, and does what is to be done `meanwhile`.
    private static func fill(
        _ model: any NeuralLanguageModel, from file: GGUFFile, _ architecture: GGUFArchitecture,
        _ configuration: ModelConfiguration, _ meanwhile: @Sendable () -> Void
    ) throws {
        var jobs: [Job] = []
        var unused = Set(file.names)
        for named in model.parameters {
            guard let (name, layout) = architecture.place(of: named.name, in: configuration) else {
                throw file.failure("llama.cpp has no tensor for \(named.name)")
            }
            let entry = try file.entry(name), shape = named.parameter.value.shape
            guard layout.shape(of: shape.dimensions).trimmed == entry.shape.trimmed else {
                throw file.failure(
                    "the tensor \(name) has the shape \(Shape(entry.shape)), and its keys require "
                        + "\(Shape(layout.shape(of: shape.dimensions)))")
            }
            unused.remove(name)
            if layout == .same, let storage = file.floatsInPlace(entry) {
                named.parameter.adopt(Tensor(shape: shape, storage: storage))
                continue
            }
            let weight = WeightConverter(named.parameter.value, layout)
            weight.tensor.withElements { Files.expectWriting(to: UnsafeMutableRawBufferPointer($0)) }
            for rows in weight.parts(of: entry.encoding, bytes: 1 << 20) {
                jobs.append(Job(weight: weight, entry: entry, rows: rows))
            }
        }
        // A second copy of a tied classifier, and what the shape was read from.
        unused.subtract(["output.weight", RotaryFrequencies.tensorName])
        if let name = unused.min() {
            throw file.failure("the tensor \(quoted(name)) is not part of the architecture \(architecture)")
        }
        Execution.current.forEach(below: jobs.count + 1) { [jobs] item in
            guard item > 0 else { return meanwhile() }
            let job = jobs[item - 1]
            file.withBytes(of: job.entry) { job.weight.decode($0, of: job.entry.encoding, rows: job.rows) }
            let rowSize = job.entry.encoding.size(of: job.weight.columns)
            let start = job.entry.range.lowerBound
            file.file.release(start + job.rows.lowerBound * rowSize..<start + job.rows.upperBound * rowSize)
        }
    }

    // MARK: Writing

    /// Writes a model, and answers with what will not be as here, in a line each.
    static func write(
        _ model: any LanguageModel, tokenizer: any Tokenizer, name: String, as encoding: NumberEncoding,
        to writer: FileWriter, path: String
    ) throws -> [String] {
        guard let configuration = ModelConfiguration(of: model), let model = model as? any NeuralLanguageModel,
            let architecture = GGUFArchitecture(of: configuration)
        else {
            throw ModelError(
                path: path,
                reason:
                    "llama.cpp does not support this model (\(describe(model))); export it with --to onnx or --to torchscript"
            )
        }
        var vocabulary = try GGUFVocabulary(tokenizer)
        let reservesEnd = vocabulary.reserveEndOfText()
        var tensors: [GGUFTensor] = []
        for named in model.parameters {
            guard let (name, layout) = architecture.place(of: named.name, in: configuration) else {
                throw ModelError(path: path, reason: "llama.cpp has no tensor for \(named.name)")
            }
            let isVocabulary = reservesEnd && (name == "token_embd.weight" || name == "output.weight")
            tensors.append(tensor(name, named.parameter.value, layout, encoding, withMeanRow: isVocabulary))
        }
        if case .transformer(let shape) = configuration, case .rotary(let frequencies) = shape.positions,
            let divisors = frequencies.divisors(headSize: shape.headSize)
        {
            let divisors = Tensor([divisors.count], divisors)
            tensors.append(tensor(RotaryFrequencies.tensorName, divisors, .same, .float32, withMeanRow: false))
        }
        let keys =
            [
                (GGUFArchitecture.key, .string(architecture.rawValue)), ("general.type", .string("model")),
                ("general.name", .string(name)), ("general.file_type", .uint32(fileType(encoding))),
                ("general.quantization_version", .uint32(2)),
            ] + architecture.keys(of: configuration) + vocabulary.keys
        try GGUFWriter.write(keys, tensors, to: writer, path: path)
        return vocabulary.remarks
    }

    private static func describe(_ model: any LanguageModel) -> String {
        guard let shape = (model as? Transformer)?.configuration else { return model.modelType }
        if shape.feedForward == .relu { return "\(model.modelType) with ReLU" }
        return shape.family == nil ? "a custom transformer" : model.modelType + " with custom options"
    }

    /// What llama.cpp calls a file most of whose numbers are of one kind.
    private static func fileType(_ encoding: NumberEncoding) -> Int {
        switch encoding {
        case .float32: 0
        case .float16: 1
        case .q8_0: 7
        case .bfloat16: 32
        }
    }

    /// - Parameter withMeanRow: whether a last row is added, the mean of all.
    private static func tensor(
        _ name: String, _ tensor: Tensor, _ layout: WeightLayout, _ encoding: NumberEncoding, withMeanRow: Bool
    ) -> GGUFTensor {
        let weight = WeightConverter(tensor, layout)
        var shape = layout.shape(of: tensor.shape.dimensions)
        let encoding = GGUFArchitecture.encoding(encoding, of: name, shape: shape)
        if withMeanRow { shape[0] += 1 }
        return GGUFTensor(name: name, dtype: encoding, shape: shape) { write in
            try weight.encode(as: encoding, write)
            if withMeanRow { try WeightConverter(tensor.meanRow, .same).encode(as: encoding, write) }
        }
    }
}

extension Tensor {
    /// The mean of the rows (1, C). As a classifier's row it gives the mean of all logits, which is never the greatest.
    fileprivate var meanRow: Tensor {
        var sum = [Double](repeating: 0, count: shape.columns)
        withElements { elements in
            for row in 0..<shape.rows {
                for column in sum.indices { sum[column] += Double(elements[row * sum.count + column]) }
            }
        }
        return Tensor([1, shape.columns], sum.map { Float($0 / Double(shape.rows)) })
    }
}

extension [Int] {
    /// Without outer dimensions of 1, which some writers leave out.
    fileprivate var trimmed: ArraySlice<Int> { dropLast().drop { $0 == 1 } + suffix(1) }
}

extension GGUFFile {
    /// A tensor's numbers where they are in memory; nil where they are not single precision that begins with a cache line.
    fileprivate func floatsInPlace(_ entry: Entry) -> Storage? {
        guard entry.encoding == .float32,
            let start = file.bytes.baseAddress.map({ UnsafeMutableRawPointer(mutating: $0) + entry.range.lowerBound }),
            Int(bitPattern: start) % 64 == 0
        else { return nil }
        return Storage(start.bindMemory(to: Float.self, capacity: entry.count), of: file)
    }
}
