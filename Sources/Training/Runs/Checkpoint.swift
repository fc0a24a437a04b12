import Corpus
import Files
import Interchange
import Models
import StrictJSON
import Tensors
import Tokenizers

/// training/latest.safetensors: the checkpoint from which a run is resumed, in one self-contained file. The tensors are
/// the weights and the moments of AdamW. The metadata contains the settings, the progress, the origin and hash of the
/// text, config.json and the tokenizer.
package struct Checkpoint {
    package var settings: TrainingSettings
    package var progress: TrainingProgress
    package var origin: DataOrigin
    /// The SHA-256 of each text.
    package var textHashes: [String]
    /// The contents of tokenizer.json.
    package var tokenizer: String
    /// Whether the metadata contains config.json, so that `settings.model` describes the model completely. Files of
    /// older versions do not contain it; their settings give only the kind and the sizes of the model.
    package var recordsModel = true
    /// The length of samples.txt in bytes.
    package var samplesLength: Int

    private let file: SafetensorsFile?

    package init(
        settings: TrainingSettings, progress: TrainingProgress, origin: DataOrigin, textHashes: [String],
        tokenizer: String, samplesLength: Int
    ) {
        self.settings = settings
        self.progress = progress
        self.origin = origin
        self.textHashes = textHashes
        self.tokenizer = tokenizer
        self.samplesLength = samplesLength
        file = nil
    }

    /// The tensors of a training and their names in the file: the weights, then the moments. Parameters that Muon updates have
    /// one moment.
    private static func state(of optimizer: Optimizer) -> [(name: String, tensor: Tensor)] {
        let parts: [(String, [Tensor?])] = [
            ("weight", optimizer.parameters.map(\.parameter.value)), ("moment1", optimizer.moment1),
            ("moment2", optimizer.moment2),
        ]
        return parts.flatMap { part, tensors in
            zip(optimizer.parameters, tensors).compactMap { parameter, tensor in
                tensor.map { ("\(part).\(parameter.name)", $0) }
            }
        }
    }

    // MARK: Writing

    private static let version = "swift-gpt training checkpoint 1"

    /// Replaces the file at `path` atomically. The save is complete when the temporary file has been renamed.
    package func write(to path: String, optimizer: Optimizer) throws {
        var metadata = [
            "format": Self.version, "settings": settings.json.serialized(), "progress": progress.json.serialized(),
            "text": origin.json.serialized(), "text_sha256": textHashes.joined(separator: " "), "tokenizer": tokenizer,
            "samples_bytes": "\(samplesLength)",
        ]
        metadata["config"] = recordsModel ? JSON.object(settings.model.json()).serialized() : nil
        let tensors = Self.state(of: optimizer).map { name, tensor in
            SafetensorsTensor(name: name, dtype: .float32, shape: tensor.shape.dimensions) { piece in
                try tensor.withElements { try piece(UnsafeRawBufferPointer($0)) }
            }
        }
        try SafetensorsWriter.write(to: path, metadata: metadata, tensors: tensors, checksum: true)
    }

    // MARK: Reading

    /// Reads everything except the tensors.
    /// - Parameter verifying: whether to verify the checksum, which requires reading the whole file.
    package init(path: String, verifying: Bool = true) throws {
        func damaged(_ reason: String) -> TrainingError { .damaged(path: path, reason: reason) }
        let file = try SafetensorsFile(path: path)
        guard let format = file.metadata["format"], format.hasPrefix("swift-gpt training checkpoint") else {
            throw damaged("it is not a training checkpoint")
        }
        guard format == Self.version else {
            throw damaged("it was written by another version of swift-gpt; resume the run with that version")
        }
        if verifying { try file.verifyChecksum(required: true) }
        func json(_ key: String) throws -> JSON {
            guard let text = file.metadata[key] else { throw damaged("its \(key) is missing") }
            return try JSON(parsing: Array(text.utf8))
        }
        do {
            recordsModel = file.metadata["config"] != nil
            settings = try TrainingSettings(
                json("settings"), model: recordsModel ? ModelSpecification(json("config"), file: path) : nil)
            progress = try TrainingProgress(json("progress"))
            origin = try DataOrigin(json("text"))
        } catch let error as TrainingError {
            throw error
        } catch {
            throw damaged("\(error)")
        }
        guard let hashes = file.metadata["text_sha256"], let tokenizer = file.metadata["tokenizer"],
            let samples = file.metadata["samples_bytes"].flatMap({ Int($0) })
        else { throw damaged("its record of the text is missing") }
        textHashes = hashes.split(separator: " ").map(String.init)
        self.tokenizer = tokenizer
        samplesLength = samples
        self.file = file
    }

    /// Copies the weights and moments into the parameters and the optimizer of a new model.
    package func restore(into optimizer: Optimizer) throws {
        guard let file else { return }
        for (name, tensor) in Self.state(of: optimizer) {
            let entry = try file.entry(name)
            guard entry.dtype == .float32, entry.shape == tensor.shape.dimensions else {
                throw TrainingError.damaged(
                    path: file.path, reason: "\(name) has the shape \(entry.shape), not \(tensor.shape)")
            }
            try file.withBytes(name) { bytes in
                tensor.withElements { UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes) }
            }
        }
        for named in optimizer.parameters { named.parameter.didChange() }
    }
}
