import Corpus
import Files
import Interchange
import Models
import StrictJSON
import Tensors
import Tokenizers

/// The directory of a run: a model directory in the standard format, with an additional directory `training/`.
///
///     config.json, model.safetensors, tokenizer.json, ...    the best model by validation loss
///     training/latest.safetensors                            the checkpoint from which a run is resumed
///     training/settings.json                                 settings, text and progress, for people to read
///     training/metrics.csv, loss.svg, samples.txt            the history of the training
///
/// A save replaces each file atomically, and `latest.safetensors` last. If a run is killed, the disk therefore contains
/// either the last complete save or the new one. Until the first save is complete, the file `training/first-save` marks
/// the directory. Only one process at a time can use a directory.
public final class RunDirectory: TrainingStore {
    public let path: String
    public let tokenizer: any Tokenizer
    /// The source of the data.
    public let origin: DataOrigin
    private let textHashes: [String]
    /// The contents of tokenizer.json.
    private let tokenizerFile: String
    /// What is saved with the model beside its weights.
    let description: ModelDescription
    /// Nil for a process that only reads the directory.
    private let lock: DirectoryLock?
    /// The directory before its first save is complete. If the run fails before that, the files of the run are removed.
    private var pending: PendingDirectory?
    /// The record of the files beside the weights, which do not change; nil until they are written.
    private var record: DescriptionRecord?
    /// Whether the files beside the weights may have been edited since the model was saved.
    private let acceptsEdits: Bool
    /// The step recorded in model.safetensors. This file can be newer than the last complete save.
    public private(set) var bestStep: Int?

    /// Starts a run in a new or empty directory. If this object is released before a save is complete, all files of the
    /// run are removed.
    /// - Parameters:
    ///   - path: the directory, which is created if it does not exist.
    ///   - tokenizer: the tokenizer that is saved with the model.
    ///   - description: what is saved with the model beside its weights; nil for a model that is trained from random weights on
    ///     texts without end tokens.
    ///   - record: the record of the data.
    ///   - origin: the source of the data.
    public init(
        creating path: String, tokenizer: any Tokenizer, description: ModelDescription? = nil, record: DataRecord,
        origin: DataOrigin
    ) throws {
        if let occupant = Self.occupant(of: path) {
            throw TrainingError.occupied(directory: path, occupant)
        }
        let pending = try PendingDirectory(path)
        lock = try DirectoryLock(directory: path)
        // Another run may have used the directory before the lock was acquired.
        if let occupant = Self.occupant(of: path) {
            throw TrainingError.occupied(directory: path, occupant)
        }
        AtomicFile.removeLeftovers(in: path)
        pending.expect(directories: ["training"], files: Self.ownFiles + Self.ownTrainingFiles)
        self.pending = pending
        self.path = path
        self.tokenizer = tokenizer
        self.origin = origin.absolute
        acceptsEdits = false
        self.description = description ?? ModelDescription(for: tokenizer, endsTexts: false)
        textHashes = record.hashes
        tokenizerFile = try TokenizerFile.contents(for: tokenizer)
    }

    deinit {
        // The files must be removed before the lock is released.
        pending = nil
    }

    /// Continues a run that `SavedRun` has read. Weights saved from now on contain a record of the files beside them in
    /// their current form, edited or not.
    init(resuming run: SavedRun, tokenizer: any Tokenizer, origin: DataOrigin, acceptingEdits: Bool) throws {
        path = run.path
        lock = run.lock
        self.tokenizer = tokenizer
        self.origin = origin.absolute
        textHashes = run.checkpoint.textHashes
        acceptsEdits = acceptingEdits
        description = try ModelDescription(directory: path, tokenizer: tokenizer)
        record = try DescriptionRecord(directory: path)
        let weights = try SafetensorsFile(path: path + "/" + WeightFiles.fileName)
        bestStep = weights.metadata["step"].flatMap { Int($0) }
            .flatMap { (0...TrainingSettings.greatestStep).contains($0) ? $0 : nil }
        tokenizerFile = run.checkpoint.tokenizer
    }

    // MARK: Paths

    static func training(_ path: String) -> String { path + "/training" }
    static func latest(_ path: String) -> String { training(path) + "/latest.safetensors" }
    static func metrics(_ path: String) -> String { training(path) + "/metrics.csv" }
    static func samples(_ path: String) -> String { training(path) + "/samples.txt" }
    /// A marker file, which exists from the first file that is written until the first save is complete. It
    /// distinguishes the files of a killed run from a model.
    private static func mark(_ path: String) -> String { training(path) + "/first-save" }

    // MARK: Saving

    /// Marks the directory as one without a complete save, before any other file is written.
    private func beginFirstSave() throws {
        guard pending != nil, record == nil else { return }
        try Files.makeDirectory(Self.training(path))
        try AtomicFile.write(
            "This run has not completed its first save. The file is removed when it has.\n", to: Self.mark(path))
    }

    /// Ends the first save: the run can be resumed from now on, and its files are kept.
    private func completeSave() {
        pending?.complete()
        pending = nil
        // The marker is ignored if a complete save exists, so a failed removal is harmless.
        try? Files.remove(Self.mark(path))
    }

    public func keepBest(_ model: any TrainableModel, step: Int) throws {
        try beginFirstSave()
        let record =
            try self.record ?? ModelDirectory.saveDescription(of: model, tokenizer: tokenizer, description, to: path)
        try ModelDirectory.saveWeights(of: model, to: path, record: record, metadata: ["step": "\(step)"])
        self.record = record
        bestStep = step
    }

    public func restoreBest(into model: any TrainableModel) throws {
        guard let saved = try ModelDirectory.load(path, acceptingEdits: acceptsEdits).model.trainable,
            saved.parameters.map(\.parameter.value.shape) == model.parameters.map(\.parameter.value.shape)
        else {
            throw TrainingError.changed(
                directory: path, what: "its config.json describes another architecture; restore the file")
        }
        model.setWeights(saved.parameters.map(\.parameter.value))
    }

    /// Loads the best model so far, and checks that it has the expected kind and number of parameters.
    func loadBest(of model: ModelSpecification) throws -> any TrainableModel {
        guard let saved = try ModelDirectory.load(path, acceptingEdits: acceptsEdits).model.trainable,
            let specification = saved.specification, specification.kind == model.kind,
            specification.parameterCount == model.parameterCount
        else {
            throw TrainingError.changed(
                directory: path, what: "its config.json describes another architecture; restore the file")
        }
        return saved
    }

    public func commit<Task>(_ trainer: Trainer<Task>) throws {
        try Files.makeDirectory(Self.training(path))
        let checkpoint = Checkpoint(
            settings: trainer.settings, progress: trainer.progress, origin: origin, textHashes: textHashes,
            tokenizer: tokenizerFile, samplesLength: trainer.samples.utf8.count)
        try write(trainer.metrics, samples: trainer.samples)
        try writeSettings(trainer.settings, progress: trainer.progress.json, data: trainer.task.dataRecord)
        try checkpoint.write(
            to: Self.latest(path), optimizer: trainer.optimizer, moments: trainer.withBytes(of:_:))
        completeSave()
    }

    /// Saves an n-gram model, which is counted rather than trained, with its validation loss.
    public func save(
        counted model: any LanguageModel, settings: TrainingSettings, data: DataRecord, result: ValidationResult,
        seconds: Double
    ) throws {
        try beginFirstSave()
        try ModelDirectory.save(model, tokenizer: tokenizer, description: description, to: path)
        var progress = JSONObject()
        progress["seconds"] = .double(seconds)
        progress.add(result)
        try writeSettings(settings, progress: .object(progress), data: data)
        completeSave()
    }

    private func write(_ metrics: Metrics, samples: String) throws {
        try AtomicFile.write(metrics.csv, to: Self.metrics(path))
        try AtomicFile.write(LossPlot(metrics).svg, to: Self.training(path) + "/loss.svg")
        if !samples.isEmpty { try AtomicFile.write(samples, to: Self.samples(path)) }
    }

    private func writeSettings(_ settings: TrainingSettings, progress: JSON, data: DataRecord) throws {
        var text = JSONObject([("origin", origin.json), ("sha256", .array(textHashes.map(JSON.string)))])
        for (name, value) in data.figures {
            switch value {
            case .count(let count): text[name] = .int(count)
            case .mean(let mean): text[name] = .double(mean)
            }
        }
        let json: JSON = [
            "settings": settings.json, "progress": progress, "text": .object(text),
        ]
        try AtomicFile.write(json.serialized(pretty: true), to: Self.training(path) + "/settings.json")
    }
}

// MARK: - Existing contents

extension RunDirectory {
    /// The existing contents of a directory that was chosen for a new run.
    public enum Occupant: Sendable, Equatable {
        /// A run that has not finished.
        case unfinished
        /// A model: of a finished run, or from another source.
        case model
        /// The files of a run that was killed before its first save was complete. They contain no
        /// weights except the initial ones.
        case incompleteSave
        /// Anything else.
        case other

        /// The predicate of a sentence whose subject is the directory.
        public var words: String {
            switch self {
            case .unfinished: "contains an unfinished run"
            case .model: "already contains a model"
            case .incompleteSave: "contains the files of a run that was killed before its first save was complete"
            case .other: "is not an empty directory"
            }
        }
    }

    /// Whether a run trains in a directory now.
    public static func isInUse(_ path: String) -> Bool { DirectoryLock.isHeld(path) }

    /// The contents of `path`; nil if it does not exist, or is a directory that is empty except for temporary files.
    ///
    /// Only the headers of weight files are read, so a large model takes no longer than a small one. The weights are
    /// not verified here, but when they are loaded.
    public static func occupant(of path: String) -> Occupant? {
        guard Files.exists(path) else { return nil }
        guard let names = contents(path) else { return .other }
        if names.isEmpty { return nil }
        if names.contains("training"), let checkpoint = try? Checkpoint(path: latest(path), verifying: false) {
            return checkpoint.progress.finalValue == nil ? .unfinished : .model
        }
        if isIncompleteSave(path, names) { return .incompleteSave }
        return names.contains("config.json") ? .model : .other
    }

    /// The names in a directory, except for temporary files; nil if it is not a readable directory.
    private static func contents(_ path: String) -> [String]? {
        guard Files.isDirectory(path) else { return nil }
        return try? Files.contents(ofDirectory: path).filter { !AtomicFile.isTemporary($0) }
    }

    /// The files of the model that a run writes.
    private static let ownFiles = ModelDescription.fileNames + [TokenizerFile.name, WeightFiles.fileName]
    /// The files that a run writes in `training/`.
    private static let ownTrainingFiles = [
        "first-save", "settings.json", "metrics.csv", "loss.svg", "samples.txt", "latest.safetensors",
    ].map { "training/" + $0 }

    /// Whether a directory contains only files that a first save writes. Weights are accepted only if the marker file
    /// exists: without it they may be a model of the user.
    private static func isIncompleteSave(_ path: String, _ names: [String]) -> Bool {
        var own = Set(ownFiles + ["training"])
        if !Files.exists(mark(path)) { own.remove(WeightFiles.fileName) }
        guard names.allSatisfy(own.contains) else { return false }
        guard names.contains("training") else { return true }
        return contents(training(path))?.allSatisfy {
            $0 != "latest.safetensors" && ownTrainingFiles.contains("training/" + $0)
        } ?? false
    }

    /// Renames the run or model at `path`, so that a new run can use the name: the first free number is appended. The
    /// contents do not change.
    /// - Returns: the new name.
    /// - Throws: an error if another process is using the directory.
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

extension DataOrigin {
    /// The origin with absolute paths, because a run can be resumed from another working directory.
    var absolute: DataOrigin { replacingPaths { $0 == "-" ? $0 : Files.absolute($0) } }
}
