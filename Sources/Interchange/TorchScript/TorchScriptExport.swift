import Files
import LanguageModels
import Layers
import Synchronization
import Tensors
import Tokenizers

/// Writes a model as an archive that PyTorch runs by itself: `torch.jit.load` (2.0 and later) takes it, without any of the
/// code or the text that the model was made with.
///
/// The archive has the methods
///
/// - `forward(ids)`: logits (B, T, V) of ids (B, T);
/// - `generate_ids(ids, n, temperature=0.0)`: a list of ids with n more;
/// - `encode(text)`, `decode(ids)` and `generate(text, n, temperature=0.0)`, where the tokenizer is one of characters, of
///   bytes, or of byte pairs cut by GPT-2's pattern.
///
/// The computation is the model's own graph. The parameters are tensors of the names they have in a checkpoint.
public enum TorchScriptExport {
    /// Writes `model` to the file at `path`, which it replaces in one piece, and only once what was written has been read
    /// again and found to be the model, byte for byte.
    ///
    /// - Parameters:
    ///   - model: one that has a graph.
    ///   - tokenizer: that of the model; nil for one of ids only.
    ///   - path: what is written.
    ///   - progress: told from time to time which share of the work is done.
    /// - Returns: whether texts can be encoded and generated, and not ids alone.
    /// - Throws: why the model has no form in TorchScript, or could not be written.
    @discardableResult
    public static func write(
        _ model: any LanguageModel, tokenizer: (any Tokenizer)?, to path: String, progress: (Double) -> Void = { _ in }
    ) throws -> Bool {
        guard let model = model as? any NeuralLanguageModel else {
            throw ModelError(
                path: path, reason: "a model of type '\(model.modelType)' counts and has no graph that PyTorch could run")
        }
        if let size = tokenizer?.vocabularySize, size != model.vocabularySize {
            throw ModelError(
                path: path,
                reason: "the tokenizer has \(size) tokens and the model \(model.vocabularySize): they do not belong together")
        }
        let (module, hasText) = try module(model, tokenizer)
        let entries = entries(module, model.parameters.map(\.parameter.value))
        let total = Double(max(1, entries.reduce(0) { $0 + $1.size }))
        do {
            try AtomicFile.replace(at: path) { file in
                var archive = ZipWriter(file)
                for entry in entries {
                    try archive.append(entry)
                    progress(0.75 * Double(file.position) / total)
                }
                try archive.finish()
            } check: {
                try verify(entries, at: $0)
            }
        } catch ZipWriter.Problem.changed {
            throw ModelError(path: path, reason: "the model was changed while it was written; nothing was kept")
        } catch let error as Damage {
            throw ModelError(
                path: path,
                reason: "what was read back is not what was written, and nothing was kept: \(error.reason); try again, or on "
                    + "another disk")
        }
        progress(1)
        return hasText
    }

    /// What failed when an archive was read back.
    private struct Damage: Error { let reason: String }

    /// The model as a module, and whether it knows text.
    private static func module(
        _ model: any NeuralLanguageModel, _ tokenizer: (any Tokenizer)?
    ) throws -> (module: TorchScriptModule, hasText: Bool) {
        var module = TorchScriptModule()
        for (number, named) in model.parameters.enumerated() {
            let shape = named.parameter.value.shape.dimensions
            module.set(at: named.name, .parameter(storage: "\(number)", type: .float32, shape: shape))
        }
        module.methods += TorchScriptGeneration.idMethods(
            contextLength: model.contextLength, vocabularySize: model.vocabularySize,
            banned: tokenizer?.specialIDs ?? [], parameter: model.parameters[0].name)
        let hasText = tokenizer.map { TorchScriptTokenizer.add($0, to: &module) } ?? false
        if let tokenizer, hasText { module.methods += TorchScriptGeneration.textMethods(tokenizer) }
        module.methods += TorchScriptGraph(try Graph(tracing: model, hasCache: true, knowsGELU: true)).methods()
        return (module, hasText)
    }

    /// All that the archive consists of.
    private static func entries(_ module: TorchScriptModule, _ tensors: [Tensor]) -> [ZipEntry] {
        var classes = TorchScriptClasses()
        let pickle = PickleWriter.pickle { classes.pickle(module, name: "Model", into: &$0) }
        let small: [(name: String, bytes: [UInt8])] = [
            ("data.pkl", pickle), ("code/__torch__.py", Array(classes.code.utf8)),
            // The empty tuple.
            ("constants.pkl", [0x80, 0x02, 0x29, 0x2E]),
            // Of the format, since PyTorch 1.12 or so; and what the numbers below are.
            ("version", Array("10\n".utf8)), ("byteorder", Array("little".utf8)),
        ]
        let checksums = Mutex([UInt32](repeating: 0, count: tensors.count))
        Execution.current.forEach(below: tensors.count) { number in
            let checksum = tensors[number].withElements { CRC32.checksum(of: UnsafeRawBufferPointer($0)) }
            checksums.withLock { $0[number] = checksum }
        }
        return small.map { ZipEntry(name: "model/" + $0.name, bytes: $0.bytes) }
            + zip(tensors, checksums.withLock { $0 }).enumerated().map { number, part in
                let (tensor, checksum) = part
                return ZipEntry(
                    name: "model/data/\(number)", size: MemoryLayout<Float>.size * tensor.count, checksum: checksum
                ) { piece in try tensor.withElements { try piece(UnsafeRawBufferPointer($0)) } }
            }
    }

    /// Reads an archive and holds every entry against what it was to be.
    private static func verify(_ entries: [ZipEntry], at path: String) throws {
        let failures = Mutex([Int: any Error]())
        do {
            let archive = try ZipArchive(path: path)
            guard archive.names == entries.map(\.name) else { throw Damage(reason: "its entries are others") }
            Execution.current.forEach(below: entries.count) { number in
                do { try archive.verify(entries[number]) } catch { failures.withLock { $0[number] = error } }
            }
            if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
        } catch let error as ModelError { throw Damage(reason: error.reason) }
    }
}
