import Files
import Layers
import Models
import Synchronization
import Tensors
import Tokenizers

/// The contents of a TorchScript archive of a model, and the check of a file against them.
struct TorchScriptArchive: Sendable {
    /// Whether it has `encode` and `decode`, and for a language model `generate`.
    let hasText: Bool
    /// Whether it is an encoder, which generates nothing.
    private let isEncoder: Bool
    private let entries: [ZipEntry]
    /// The path of the file in errors.
    private let path: String

    /// A remark if the archive generates ids only.
    var remarks: [String] {
        hasText
            ? []
            : [
                (isEncoder
                    ? "The archive reads token ids only, not text"
                    : "The archive generates token ids only (generate_ids), not text")
                    + ": its model has no tokenizer, or one that TorchScript export does not support (WordPiece, the split "
                    + "pattern of o200k, or Unicode normalization)."
            ]
    }

    /// Prepares everything that is written, except for the weights, which are not copied.
    /// - Throws: why the model cannot be exported to TorchScript.
    init(_ saved: SavedModel, path: String) throws {
        let tokenizer = try saved.tokenizerIfAny()
        try self.init(saved.model, tokenizer: tokenizer, roles: saved.description.roles, path: path)
    }

    /// - Parameter roles: the tokens at which generation ends, and those that are never generated.
    init(_ model: any Model, tokenizer: (any Tokenizer)?, roles: TokenRoles, path: String) throws {
        guard let trainable = model.trainable, model.encoderDecoder == nil else {
            throw ModelError(
                path: path,
                reason:
                    "a model of type '\(model.modelType)' has no computation graph and cannot be exported to TorchScript"
            )
        }
        if let size = tokenizer?.vocabularySize, size > model.vocabularySize {
            throw ModelError(
                path: path,
                reason:
                    "the tokenizer has \(size) tokens and the model \(model.vocabularySize): they do not belong together"
            )
        }
        self.path = path
        var module = TorchScriptModule()
        for (number, named) in trainable.parameters.enumerated() {
            let shape = named.parameter.value.shape.dimensions
            module.set(at: named.name, .parameter(storage: "\(number)", type: .float32, shape: shape))
        }
        if let model = model.encoder {
            isEncoder = true
            hasText = try Self.add(model, tokenizer, to: &module)
        } else {
            isEncoder = false
            hasText = try model.neural.map { try Self.add($0, tokenizer, roles, to: &module) } ?? false
        }
        entries = Self.entries(module, trainable.parameters.map(\.parameter.value))
    }

    /// Adds the methods of a language model.
    /// - Returns: whether it has those for text.
    private static func add(
        _ model: any NeuralLanguageModel, _ tokenizer: (any Tokenizer)?, _ roles: TokenRoles,
        to module: inout TorchScriptModule
    ) throws -> Bool {
        let graph = TorchScriptGraph(try Graph(tracing: model, hasCache: true, knowsGELU: true))
        module.methods += TorchScriptGeneration.idMethods(
            contextLength: model.contextLength, vocabularySize: model.vocabularySize,
            ends: roles.ends.filter { Int($0) < model.vocabularySize },
            banned: roles.neverGenerated(by: tokenizer, rows: model.vocabularySize),
            parameter: model.parameters[0].name)
        let hasText = tokenizer.map { TorchScriptTokenizer.add($0, to: &module) } ?? false
        if let tokenizer, hasText { module.methods += TorchScriptGeneration.textMethods(tokenizer, roles) }
        module.methods += graph.methods()
        return hasText
    }

    /// Adds the methods of an encoder, and the names of its labels.
    /// - Returns: whether it has those for text.
    private static func add(
        _ model: Encoder, _ tokenizer: (any Tokenizer)?, to module: inout TorchScriptModule
    ) throws -> Bool {
        let labels = model.configuration.labels
        if !labels.isEmpty { module.set("labels", .strings(labels)) }
        module.methods += TorchScriptGraph(try Graph(tracing: model, knowsGELU: true)).encoderMethod()
        return tokenizer.map { TorchScriptTokenizer.add($0, to: &module) } ?? false
    }

    /// The entries of an archive: the description of the module, then the numbers of its parameters.
    private static func entries(_ module: TorchScriptModule, _ tensors: [Tensor]) -> [ZipEntry] {
        var classes = TorchScriptClasses()
        let pickle = classes.pickle(module)
        let description: [(name: String, bytes: [UInt8])] = [
            ("data.pkl", pickle), ("code/__torch__.py", Array(classes.code.utf8)),
            // An empty tuple: all constants are in the code.
            ("constants.pkl", PickleWriter.pickle { $0.emptyTuple() }),
            // The version of the format, and the byte order of numbers.
            ("version", Array("10\n".utf8)), ("byteorder", Array("little".utf8)),
        ]
        let checksums = Mutex([UInt32](repeating: 0, count: tensors.count))
        Execution.current.forEach(below: tensors.count) { number in
            let checksum = tensors[number].withElements { CRC32.checksum(of: UnsafeRawBufferPointer($0)) }
            checksums.withLock { $0[number] = checksum }
        }
        return description.map { ZipEntry(name: "model/" + $0.name, bytes: $0.bytes) }
            + zip(tensors, checksums.withLock { $0 }).enumerated().map { number, part in
                let (tensor, checksum) = part
                return ZipEntry(
                    name: "model/data/\(number)", size: MemoryLayout<Float>.size * tensor.count, checksum: checksum
                ) { write in try tensor.withElements { try write(UnsafeRawBufferPointer($0)) } }
            }
    }

    /// Writes the archive to an empty file.
    func write(to file: FileWriter, progress: (Double) -> Void = { _ in }) throws {
        let total = Double(max(1, entries.reduce(0) { $0 + $1.size }))
        var archive = ZipWriter(file)
        for entry in entries {
            guard try archive.append(entry) else {
                throw ModelError(path: path, reason: "the model changed during the export; nothing was written")
            }
            progress(min(1, Double(file.position) / total))
        }
        try archive.finish()
    }

    /// Reads an archive back, and throws unless the checksum and every byte of each entry are those that were written.
    func verify(at temporary: String) throws {
        do {
            let archive = try ZipArchive(path: temporary)
            guard archive.names == entries.map(\.name) else {
                throw ModelError(path: path, reason: "its entries differ from those that were written")
            }
            let failures = Mutex([Int: any Error]())
            Execution.current.forEach(below: entries.count) { number in
                do { try archive.verify(entries[number]) } catch { failures.withLock { $0[number] = error } }
            }
            if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
        } catch let error as ModelError {
            throw ModelError(
                path: path, reason: "the export differs when it is read back (\(error.reason)); the file was removed")
        }
    }
}
