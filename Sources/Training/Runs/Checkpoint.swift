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

    private static func name(of moment: Optimizer.Moment, _ optimizer: Optimizer) -> String {
        "moment\(moment.order).\(optimizer.parameters[moment.parameter].name)"
    }

    // MARK: Writing

    private static let version = "swift-gpt training checkpoint 1"

    /// Replaces the file at `path` atomically. The save is complete when the temporary file has been renamed.
    ///
    /// The file has the weights, then the moments. Parameters that Muon updates have one moment.
    /// - Parameters:
    ///   - path: the file.
    ///   - optimizer: its parameters are saved.
    ///   - moments: calls its second argument with the bytes of a moment, one part after the other.
    package func write(
        to path: String, optimizer: Optimizer,
        moments: @escaping (Optimizer.Moment, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        var metadata = [
            "format": Self.version, "settings": settings.json.serialized(), "progress": progress.json.serialized(),
            "text": origin.json.serialized(), "text_sha256": textHashes.joined(separator: " "), "tokenizer": tokenizer,
            "samples_bytes": "\(samplesLength)",
        ]
        metadata["config"] = recordsModel ? JSON.object(settings.model.json()).serialized() : nil
        let weights = optimizer.parameters.map { named in
            SafetensorsTensor(
                name: "weight.\(named.name)", dtype: .float32, shape: named.parameter.value.shape.dimensions
            ) { piece in
                try named.parameter.value.withElements { try piece(UnsafeRawBufferPointer($0)) }
            }
        }
        let others = optimizer.allMoments.map { moment in
            SafetensorsTensor(
                name: Self.name(of: moment, optimizer), dtype: .float32,
                shape: optimizer.parameters[moment.parameter].parameter.value.shape.dimensions
            ) { piece in try moments(moment, piece) }
        }
        try SafetensorsWriter.write(to: path, metadata: metadata, tensors: weights + others, checksum: true)
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

    /// Copies the weights into the parameters of a new model.
    package func restoreWeights(into optimizer: Optimizer) throws {
        for named in optimizer.parameters {
            let value = named.parameter.value
            try read("weight.\(named.name)", 0..<value.count, of: value.shape, into: value)
            named.parameter.didChange()
        }
    }

    /// Copies elements of a moment into a tensor of as many elements.
    package func read(
        _ moment: Optimizer.Moment, _ elements: Range<Int>, of optimizer: Optimizer, into tensor: Tensor
    ) throws {
        let shape = optimizer.parameters[moment.parameter].parameter.value.shape
        try read(Self.name(of: moment, optimizer), elements, of: shape, into: tensor)
    }

    private func read(_ name: String, _ elements: Range<Int>, of shape: Shape, into tensor: Tensor) throws {
        guard let file else { return }
        let entry = try file.entry(name)
        guard entry.dtype == .float32, entry.shape == shape.dimensions else {
            throw TrainingError.damaged(
                path: file.path, reason: "\(name) has the shape \(entry.shape), not \(shape)")
        }
        try file.withBytes(name) { bytes in
            tensor.withElements {
                UnsafeMutableRawBufferPointer($0).copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: bytes[4 * elements.lowerBound..<4 * elements.upperBound]))
            }
        }
    }
}
