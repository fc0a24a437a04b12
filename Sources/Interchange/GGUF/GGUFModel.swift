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
        let source = StoredParameters(file: file, architecture: architecture, configuration: configuration)
        try source.checkSize(of: configuration)
        let tokenizer = Mutex<Result<TokenizerState, any Error>?>(nil)
        guard let model = configuration.makeModel(.uninitialized) else {
            throw file.failure("models of this type cannot be read from GGUF")
        }
        try fill(model, from: source) {
            let result = Result { try readTokenizer(file) }
            tokenizer.withLock { $0 = result }
        }
        let state = try (tokenizer.withLock { $0 } ?? Result { try readTokenizer(file) }).get()
        return try SavedModel(
            model: model, path: path, tokenizerState: state, description: ModelDescription(file))
    }

    /// Reads every parameter from the file, which must have no other tensor, and runs `meanwhile`.
    private static func fill(
        _ model: any TrainableModel, from source: StoredParameters, _ meanwhile: @Sendable () -> Void
    ) throws {
        var jobs: [(copy: StoredParameters.Copy, rows: Range<Int>)] = []
        for copy in try source.assign(to: model, source.configuration) {
            copy.weight.tensor.withElements { Files.expectWriting(to: UnsafeMutableRawBufferPointer($0)) }
            jobs += copy.weight.parts(of: copy.entry.encoding, bytes: 1 << 20).map { (copy, $0) }
        }
        let file = source.file
        Execution.current.forEach(below: jobs.count + 1) { [jobs] item in
            guard item > 0 else { return meanwhile() }
            let (copy, rows) = jobs[item - 1]
            file.withBytes(of: copy.entry) { copy.weight.decode($0, of: copy.entry.encoding, rows: rows) }
            let rowSize = copy.entry.encoding.size(of: copy.weight.columns)
            file.release(rows.lowerBound * rowSize..<rows.upperBound * rowSize, of: copy.entry)
        }
    }

    /// The parameters in a file, under the names that llama.cpp has for them.
    private struct StoredParameters: ParameterSource {
        let file: GGUFFile
        let architecture: GGUFArchitecture
        let configuration: ModelSpecification

        /// A tensor that is copied into a parameter, all its rows or some of them by each thread.
        struct Copy: Sendable {
            let weight: WeightConverter
            let entry: GGUFFile.Entry
        }

        var path: String { file.path }

        var names: [String] { file.names }

        var elementCount: Int { get throws { try names.reduce(0) { try $0 + file.entry($1).count } } }

        func shortage(stored: Int, parameters: Int) -> String {
            "it contains \(stored) numbers, and its keys describe a model with \(parameters) parameters"
        }

        func storedName(of parameter: String, in model: ModelSpecification) -> String? {
            architecture.place(of: parameter, in: model).map(\.name).flatMap { file.contains($0) ? $0 : nil }
        }

        func tensor(_ name: String, for named: NamedParameter) throws -> StoredTensor<Copy> {
            guard let (_, layout) = architecture.place(of: named.name, in: configuration) else {
                throw file.failure("llama.cpp has no tensor for \(named.name)")
            }
            let entry = try file.entry(name), parameter = named.parameter.value
            let shape = layout.shape(of: parameter.shape.dimensions)
            guard shape.trimmed == entry.shape.trimmed else {
                throw file.failure(
                    "the tensor \(name) has the shape \(Shape(entry.shape)), and its keys require \(Shape(shape))")
            }
            let isInPlace = layout == .same && entry.encoding == .float32
            return StoredTensor(name: name, storage: isInPlace ? file.floatsInPlace(entry) : nil) {
                Copy(weight: WeightConverter(parameter, layout), entry: entry)
            }
        }

        func objection(toUnused name: String, of model: ModelSpecification) -> String? {
            // The configuration was read from both: `output.weight` is unused only if it equals the embedding.
            if ["output.weight", RotaryFrequencies.tensorName].contains(name) { return nil }
            return "the tensor \(quoted(name)) is not part of the architecture \(architecture)"
        }
    }

    // MARK: Writing

    /// What will not be as here: each difference in one line, and the features of texts whose ids differ when the file is read.
    typealias Differences = (remarks: [String], inexact: Set<TextFeature>)

    /// Writes a model.
    static func write(
        _ saved: SavedModel, name: String, as encoding: NumberEncoding, to writer: FileWriter, path: String
    ) throws -> Differences {
        guard let configuration = saved.model.specification, let model = saved.model.neural,
            let architecture = GGUFArchitecture(of: configuration)
        else {
            throw ModelError(
                path: path,
                reason:
                    "llama.cpp does not support this model (\(describe(saved.model))); export it to onnx or torchscript"
            )
        }
        let tokenizer = try saved.tokenizerIfAny()
        var vocabulary = try tokenizer.map { try GGUFVocabulary($0) }
        if let tokenizer { vocabulary?.set(saved.description.roles, tokenizer.template) }
        let needsRow = vocabulary?.fill(rows: configuration.vocabularySize) ?? false
        var tensors: [GGUFTensor] = []
        for named in model.parameters {
            guard let (name, layout) = architecture.place(of: named.name, in: configuration) else {
                throw ModelError(path: path, reason: "llama.cpp has no tensor for \(named.name)")
            }
            let isVocabulary = needsRow && (name == "token_embd.weight" || name == "output.weight")
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
            ] + architecture.keys(of: configuration)
            + (vocabulary?.keys ?? GGUFVocabulary.absent(saved.description.roles))
            + saved.description.keys
        try GGUFWriter.write(keys, tensors, to: writer, path: path)
        return (
            (vocabulary?.remarks ?? [ModelExport.missingTokenizer]) + saved.description.remarks,
            vocabulary?.inexact ?? []
        )
    }

    private static func describe(_ model: any Model) -> String {
        guard case .transformer(let shape) = model.specification else { return model.modelType }
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
