import Files
import Layers
import Models
import StrictJSON
import Synchronization
import Tensors
import Tokenizers

/// A model as it lies on disk: a directory in the form of Hugging Face, with `config.json`, `model.safetensors`,
/// `tokenizer.json`, `tokenizer_config.json` and `generation_config.json`.
///
/// For a `Transformer` of the GPT-2, Llama or Qwen3 family it is exactly a directory of that model, which transformers
/// reads, and one that transformers wrote is read here.
public enum ModelDirectory {
    /// Reads a model: a directory, ours or one made by transformers, or a file in llama.cpp's format GGUF.
    ///
    /// A directory of ours is compared with the record of it that the weights carry, so that a model never computes with a
    /// number that has changed since it was saved.
    /// - Parameters:
    ///   - path: the directory or file.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: one line that names the file and what is wrong with it: missing, damaged, edited, of an unknown kind, too
    ///   large for the memory there is, or with a vocabulary that is not its tokenizer's.
    public static func load(_ path: String, acceptingEdits: Bool = false) throws -> SavedModel {
        guard try Files.find(path) else { throw ModelError(path: path, reason: "there is no such model directory") }
        guard Files.isDirectory(path) else {
            if try GGUFFile.isOne(path) { return try GGUFModel.load(path) }
            throw ModelError(
                path: path,
                reason: "it is not a model: neither a directory with a config.json nor a GGUF file"
                    + (path.hasSuffix(".safetensors") ? "; give the directory that contains it" : ""))
        }
        var specification: ModelSpecification
        do { specification = try ModelSpecification(file: path + "/" + ModelSpecification.configurationFile) } catch {
            // That a file was edited says more than what has become of it.
            if !acceptingEdits { try (try? WeightFiles(directory: path))?.record()?.verify(path) }
            throw error
        }
        let files = try WeightFiles(directory: path)
        let record = acceptingEdits ? nil : try files.record()
        try record?.verify(path, except: TokenizerFile.name)
        if case .transformer(var configuration) = specification, try files.hasOwnClassifier(configuration) {
            configuration.tiesEmbeddings = false
            specification = .transformer(configuration)
        }
        if case .encoder(var configuration) = specification, configuration.head == .none(hasPooler: true),
            files.storedName(of: "pooler.dense.weight") == nil
        {
            configuration.head = .none(hasPooler: false)
            specification = .encoder(configuration)
        }
        // Both take time: the tokenizer to be read, the weights to be checked.
        let reading = Mutex<Result<TokenizerState, any Error>?>(nil)
        let model = try makeModel(specification, files) {
            let tokenizer = Result { try TokenizerState(directory: path, record) }
            reading.withLock { $0 = tokenizer }
        }
        let tokenizer = try (reading.withLock { $0 } ?? Result { try TokenizerState(directory: path, record) }).get()
        return try SavedModel(
            model: model, path: path, tokenizerState: tokenizer,
            description: ModelDescription(directory: path, tokenizer: try? tokenizer.get()))
    }

    /// Writes a model, each file in one piece in place of an older one; the weights, which carry a checksum, last.
    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: its tokenizer.
    ///   - description: what a model that was read says beside its weights; nil for a model that was trained on texts without
    ///     end tokens.
    ///   - path: the directory.
    public static func save(
        _ model: any Model, tokenizer: any Tokenizer, description: ModelDescription? = nil, to path: String
    ) throws {
        try save(
            model, tokenizer: tokenizer,
            description: description ?? ModelDescription(for: tokenizer, endsTexts: false), to: path, as: .float32)
    }

    /// Writes a model with its weights in a precision; counts stay what they are.
    static func save(
        _ model: any Model, tokenizer: (any Tokenizer)?, description: ModelDescription, to path: String,
        as encoding: NumberEncoding
    ) throws {
        let record = try saveDescription(
            of: model, tokenizer: tokenizer, description, to: path, dtype: encoding.dtype.transformersName)
        try saveWeights(of: model, to: path, as: encoding, record: record)
    }

    /// Writes all of a model but its weights.
    /// - Returns: the record of what was written, for the weights to carry.
    package static func saveDescription(
        of model: any Model, tokenizer: (any Tokenizer)?, _ description: ModelDescription, to path: String,
        dtype: String = "float32"
    ) throws -> DescriptionRecord {
        guard let specification = model.specification else {
            throw ModelError(path: path, reason: "a model of type '\(model.modelType)' cannot be saved")
        }
        try Files.makeDirectory(path)
        var record = DescriptionRecord()
        func write(_ text: String, to name: String) throws {
            try Files.makeDirectory(Files.parent(of: "\(path)/\(name)"))
            try AtomicFile.write(text, to: path + "/" + name)
            record.add(name, Array(text.utf8))
        }
        if let tokenizer { try write(TokenizerFile.contents(for: tokenizer), to: TokenizerFile.name) }
        for file in description.files(for: specification, tokenizer: tokenizer, dtype: dtype) {
            try write(file.text, to: file.name)
        }
        return record
    }

    /// Replaces the weights alone, in the directory of a model of the same kind and shape.
    /// - Parameters:
    ///   - model: whose weights they are.
    ///   - path: the directory.
    ///   - encoding: how numbers are stored; counts stay what they are.
    ///   - record: what the files beside the weights say, which is compared with them whenever the model is read.
    ///   - metadata: what is noted in the file beside the format.
    package static func saveWeights(
        of model: any Model, to path: String, as encoding: NumberEncoding = .float32,
        record: DescriptionRecord, metadata: [String: String] = [:]
    ) throws {
        let own = ["format": "pt", DescriptionRecord.key: record.text]
        try SafetensorsWriter.write(
            to: path + "/" + WeightFiles.fileName, metadata: metadata.merging(own) { $1 },
            tensors: tensors(of: model, as: encoding), checksum: true)
    }

    /// What a file of weights holds.
    package static func tensors(
        of model: any Model, as encoding: NumberEncoding = .float32
    ) -> [SafetensorsTensor] {
        switch model.form {
        case .neural, .encoder, .encoderDecoder:
            return (model.trainable?.parameters ?? []).map {
                SafetensorsTensor($0.name, $0.parameter.value, as: encoding)
            }
        case .counted(let model):
            return model.arrays.map { array in
                SafetensorsTensor(name: array.name, dtype: .int32, shape: [array.values.count]) { write in
                    try array.values.withUnsafeBytes(write)
                }
            }
        case .other: return []
        }
    }

    // MARK: - Reading

    private static func makeModel(
        _ specification: ModelSpecification, _ files: WeightFiles, meanwhile: @Sendable () -> Void
    ) throws -> any Model {
        do {
            try files.checkSize(of: specification)
        } catch {
            try files.verifyChecksums()
            throw error
        }
        if let model = specification.makeModel(.uninitialized) {
            try fill(model, specification, from: files, meanwhile)
            return model
        }
        guard case .ngram(let configuration) = specification else {
            preconditionFailure("only n-gram models have counts in place of weights")
        }
        try files.verifyChecksums()
        var arrays: [String: [Int32]] = [:]
        for name in files.names {
            guard let file = files.file(of: name) else { continue }
            arrays[name] = try file.integers(name).map { Int32(truncatingIfNeeded: $0) }
        }
        do {
            return try NGramModel(
                order: configuration.order, vocabularySize: configuration.vocabularySize, arrays: arrays)
        } catch let error as NGramError {
            throw ModelError(path: files.path, reason: error.description)
        }
    }

    /// Reads every parameter from the files: single precision as a rule stays where it is in the file's memory, everything
    /// else is copied. Other threads verify the checksums of the files, and run `meanwhile`.
    private static func fill(
        _ model: any TrainableModel, _ specification: ModelSpecification, from files: WeightFiles,
        _ meanwhile: @Sendable () -> Void
    ) throws {
        let copies: [WeightFiles.Copy]
        do { copies = try files.assign(to: model, specification) } catch {
            // A file that was altered is said to be, rather than what has become of it.
            try files.verifyChecksums()
            throw error
        }
        let failures = Mutex([Int: any Error]())
        Execution.current.forEach(below: files.count + 1 + copies.count) { item in
            do {
                if item < files.count { return try files.verifyChecksum(ofFile: item) }
                if item == files.count { return meanwhile() }
                let copy = copies[item - files.count - 1]
                try copy.target.withElements { try copy.file.copyFloats(copy.name, into: $0) }
                try copy.file.release(copy.name)
            } catch { failures.withLock { $0[item] = error } }
        }
        if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
    }
}

extension SafetensorsTensor {
    /// A tensor's numbers, as they lie in memory or in less room: not as blocks, which the format has not.
    package init(_ name: String, _ tensor: Tensor, as encoding: NumberEncoding = .float32) {
        self.init(name: name, dtype: encoding.dtype, shape: tensor.shape.dimensions) { write in
            try WeightConverter(tensor, .same).encode(as: encoding, write)
        }
    }
}

extension NumberEncoding {
    /// Its name in safetensors, where blocks have none and are written out.
    fileprivate var dtype: SafetensorsType {
        switch self {
        case .float32, .q8_0: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        }
    }
}

extension SafetensorsType {
    /// Its name in config.json.
    fileprivate var transformersName: String {
        switch self {
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        default: "float32"
        }
    }
}
