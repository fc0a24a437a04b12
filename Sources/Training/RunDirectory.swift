import Files
import Interchange
import LanguageModels
import StrictJSON
import Tensors
import Tokenizers

/// A run on disk: the directory of a model, as the rest of the world reads it, and beside the model `training/`.
///
///     config.json, model.safetensors, tokenizer.json, ...    the best model by validation loss
///     training/latest.safetensors                            what a resumed run goes on from
///     training/settings.json                                 settings, text and progress, to be read by people
///     training/metrics.csv, loss.svg, samples.txt            how it went
///
/// A save replaces each file in one piece and `latest.safetensors` last, so that whenever a run is killed, what is on the
/// disk is one save or the next. One process at a time works in a directory.
public final class RunDirectory: TrainingStore {
    public let path: String
    public let tokenizer: any Tokenizer
    /// Where the text came from.
    public let origin: TextOrigin
    private let textHashes: [String]
    /// The contents of tokenizer.json.
    private let tokenizerFile: String
    private let lock: DirectoryLock
    /// Whether the files of the model that stay the same are written.
    private var holdsModel = false
    /// As it is noted in model.safetensors, for that file may be of after the last save.
    public private(set) var bestStep: Int?

    /// Begins a run in a directory that is new or empty.
    /// - Parameters:
    ///   - path: the directory; it is made where there is none.
    ///   - tokenizer: what goes with the model.
    ///   - data: the text, of which a hash is kept.
    ///   - origin: where the text came from.
    public init(
        creating path: String, tokenizer: any Tokenizer, data: TokenDataset, origin: TextOrigin
    ) throws {
        if let occupant = Self.occupant(of: path) {
            throw TrainingError.directory(occupant.refusal(path))
        }
        try Files.makeDirectory(path)
        lock = try DirectoryLock(directory: path)
        AtomicFile.removeLeftovers(in: path)
        self.path = path
        self.tokenizer = tokenizer
        self.origin = origin.absolute
        textHashes = data.hashes
        tokenizerFile = try TokenizerFile.contents(for: tokenizer)
    }

    /// Goes on with a run that `SavedRun` has read.
    init(resuming run: SavedRun, tokenizer: any Tokenizer, origin: TextOrigin) throws {
        path = run.path
        lock = run.lock
        self.tokenizer = tokenizer
        self.origin = origin.absolute
        textHashes = run.checkpoint.textHashes
        holdsModel = true
        let weights = try SafetensorsFile(path: path + "/" + WeightFiles.fileName)
        bestStep = weights.metadata["step"].flatMap { Int($0) }
            .flatMap { (0...TrainingSettings.greatestStep).contains($0) ? $0 : nil }
        tokenizerFile = run.checkpoint.tokenizer
    }

    // MARK: Names

    static func training(_ path: String) -> String { path + "/training" }
    static func latest(_ path: String) -> String { training(path) + "/latest.safetensors" }
    static func metrics(_ path: String) -> String { training(path) + "/metrics.csv" }
    static func samples(_ path: String) -> String { training(path) + "/samples.txt" }

    // MARK: Saving

    public func keepBest(_ model: any NeuralLanguageModel, step: Int) throws {
        if !holdsModel { try ModelDirectory.saveDescription(of: model, tokenizer: tokenizer, to: path) }
        try ModelDirectory.saveWeights(of: model, to: path, metadata: ["step": "\(step)"])
        holdsModel = true
        bestStep = step
    }

    public func restoreBest(into model: any NeuralLanguageModel) throws {
        guard let saved = try ModelDirectory.load(path).model as? any NeuralLanguageModel,
            saved.parameters.map(\.parameter.value.shape) == model.parameters.map(\.parameter.value.shape)
        else {
            throw TrainingError.changed(directory: path, what: "its config.json describes a model of another shape")
        }
        model.setWeights(saved.parameters.map(\.parameter.value))
    }

    /// The best model so far, which has to be of a shape. Its configuration may say more than a shape does, where training
    /// began with the weights of a model from elsewhere.
    func loadBest(of shape: ModelShape) throws -> any NeuralLanguageModel {
        guard let saved = try ModelDirectory.load(path).model as? any NeuralLanguageModel, shape.fits(saved) else {
            throw TrainingError.changed(directory: path, what: "its config.json describes a model of another shape")
        }
        return saved
    }

    public func commit(_ trainer: Trainer) throws {
        try Files.makeDirectory(Self.training(path))
        let checkpoint = Checkpoint(
            settings: trainer.settings, progress: trainer.progress, origin: origin, textHashes: textHashes,
            tokenizer: tokenizerFile, samplesLength: trainer.samples.utf8.count)
        try write(trainer.metrics, samples: trainer.samples)
        try writeSettings(trainer.settings, progress: trainer.progress.json, data: trainer.data)
        try checkpoint.write(to: Self.latest(path), optimizer: trainer.optimizer)
    }

    /// Saves a model that was counted rather than trained, with its loss over the validation text.
    public func save(
        counted model: any LanguageModel, settings: TrainingSettings, data: TokenDataset, result: ValidationResult,
        seconds: Double
    ) throws {
        try ModelDirectory.save(model, tokenizer: tokenizer, to: path)
        try Files.makeDirectory(Self.training(path))
        var progress = JSONObject()
        progress["seconds"] = .double(seconds)
        progress.add(result)
        try writeSettings(settings, progress: .object(progress), data: data)
    }

    private func write(_ metrics: Metrics, samples: String) throws {
        try AtomicFile.write(metrics.csv, to: Self.metrics(path))
        try AtomicFile.write(LossPlot(metrics).svg, to: Self.training(path) + "/loss.svg")
        if !samples.isEmpty { try AtomicFile.write(samples, to: Self.samples(path)) }
    }

    private func writeSettings(_ settings: TrainingSettings, progress: JSON, data: TokenDataset) throws {
        let json: JSON = [
            "settings": settings.json, "progress": progress,
            "text": [
                "origin": origin.json, "sha256": .array(textHashes.map(JSON.string)),
                "training_tokens": .int(data.trainingCount), "validation_tokens": .int(data.validationCount),
                "validation_bytes_per_token": .double(data.validationBytesPerToken),
            ],
        ]
        try AtomicFile.write(json.serialized(pretty: true), to: Self.training(path) + "/settings.json")
    }
}

// MARK: - What is already there

extension RunDirectory {
    /// What a directory that was to become a run's holds already.
    public enum Occupant: Equatable {
        /// A run that has not come to its end.
        case unfinished
        /// A model: a finished run, or one from elsewhere.
        case model
        /// What a run left that was killed before its first save was whole: some of its files, and no weights.
        case remains
        /// Something else.
        case other

        /// Why no run can begin there, in one line.
        public func refusal(_ path: String) -> String {
            switch self {
            case .unfinished:
                "\(path) holds an unfinished run: go on with it by 'gpt train --resume \(path)', "
                    + "or choose another name with --out"
            case .model: "\(path) holds a model already: choose another name with --out"
            case .remains:
                "\(path) holds what is left of a run that never got to its first save: delete it, or choose another name "
                    + "with --out"
            case .other: "\(path) is not an empty directory: choose another name with --out"
            }
        }
    }

    /// What is at `path`; nil where there is nothing, or a directory that is empty but for temporary files.
    ///
    /// Of weights only headers are read, so it takes no longer for a large model: whether they are sound is for those to
    /// find out who use them.
    public static func occupant(of path: String) -> Occupant? {
        guard Files.exists(path) else { return nil }
        guard let names = contents(path) else { return .other }
        if names.isEmpty { return nil }
        if names.contains("training"), let checkpoint = try? Checkpoint(path: latest(path), verifying: false) {
            return checkpoint.progress.finalLoss == nil ? .unfinished : .model
        }
        if isRemains(path, names) { return .remains }
        return names.contains("config.json") ? .model : .other
    }

    /// The names in a directory, temporary files aside; nil where there is no directory that can be read.
    private static func contents(_ path: String) -> [String]? {
        guard Files.isDirectory(path) else { return nil }
        return try? Files.contents(ofDirectory: path).filter { !AtomicFile.isTemporary($0) }
    }

    /// Whether a directory holds nothing but files that a first save writes, and none of weights.
    private static func isRemains(_ path: String, _ names: [String]) -> Bool {
        let own = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "training"]
        guard names.allSatisfy(own.contains) else { return false }
        guard names.contains("training") else { return true }
        let ownOfTraining = ["settings.json", "metrics.csv", "loss.svg", "samples.txt"]
        return contents(training(path))?.allSatisfy(ownOfTraining.contains) ?? false
    }

    /// Gives the run or model at `path` another name, with the first free number behind it, so that a new run can have
    /// the name; nothing in it changes.
    /// - Returns: the new name.
    /// - Throws: where the directory is in use by a run.
    public static func moveAside(_ path: String) throws -> String {
        let lock = try DirectoryLock(directory: path)
        defer { withExtendedLifetime(lock) {} }
        var number = 1
        while Files.exists("\(path)-\(number)") { number += 1 }
        let name = "\(path)-\(number)"
        try Files.rename(path, to: name)
        return name
    }
}

extension TextOrigin {
    /// With whole paths, for a run may be resumed from another directory.
    var absolute: TextOrigin {
        guard case .files(let paths) = self else { return self }
        return .files(paths.map { $0 == "-" ? $0 : Files.absolute($0) })
    }
}
