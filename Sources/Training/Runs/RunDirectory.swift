import Corpus
import Files
import Interchange
import Models
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
/// disk is one save or the next. Until the first save is complete the directory is marked by `training/first-save`. One
/// process at a time works in a directory.
public final class RunDirectory: TrainingStore {
    public let path: String
    public let tokenizer: any Tokenizer
    /// Where the text came from.
    public let origin: TextOrigin
    private let textHashes: [String]
    /// The contents of tokenizer.json.
    private let tokenizerFile: String
    private let lock: DirectoryLock
    /// The directory before its first save is complete. What is in it then goes where the run fails.
    private var pending: PendingDirectory?
    /// What the files beside the weights say, which stay the same; nil until they are written.
    private var record: DescriptionRecord?
    /// Whether they may have been edited since the model was saved.
    private let acceptsEdits: Bool
    /// As it is noted in model.safetensors, for that file may be of after the last save.
    public private(set) var bestStep: Int?

    /// Begins a run in a directory that is new or empty. If no save is completed before this object goes away, all that was
    /// made for the run is removed.
    /// - Parameters:
    ///   - path: the directory; it is made where there is none.
    ///   - tokenizer: what goes with the model.
    ///   - record: what is recorded of the text.
    ///   - origin: where the text came from.
    public init(
        creating path: String, tokenizer: any Tokenizer, record: DataRecord, origin: TextOrigin
    ) throws {
        if let occupant = Self.occupant(of: path) {
            throw TrainingError.occupied(directory: path, occupant)
        }
        let pending = try PendingDirectory(path)
        lock = try DirectoryLock(directory: path)
        // Until the lock was taken another run may have come and gone.
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
        textHashes = record.hashes
        tokenizerFile = try TokenizerFile.contents(for: tokenizer)
    }

    deinit {
        // While the lock is held.
        pending = nil
    }

    /// Continues a run that `SavedRun` has read. The weights that it saves contain a record of the files beside them as they
    /// are now, edited or not.
    init(resuming run: SavedRun, tokenizer: any Tokenizer, origin: TextOrigin, acceptingEdits: Bool) throws {
        path = run.path
        lock = run.lock
        self.tokenizer = tokenizer
        self.origin = origin.absolute
        textHashes = run.checkpoint.textHashes
        acceptsEdits = acceptingEdits
        record = try DescriptionRecord(directory: path)
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
    /// There from the first file that is written until the first save is complete: it tells what a killed run left behind
    /// from a model.
    private static func mark(_ path: String) -> String { training(path) + "/first-save" }

    // MARK: Saving

    /// Marks the directory as one without a complete save, before anything is written to it.
    private func beginFirstSave() throws {
        guard pending != nil, record == nil else { return }
        try Files.makeDirectory(Self.training(path))
        try AtomicFile.write(
            "This run has not completed its first save. The file is removed when it has.\n", to: Self.mark(path))
    }

    /// From now on there is something to go on from, and everything stays.
    private func completeSave() {
        pending?.complete()
        pending = nil
        // A mark beside a complete save has no meaning, so a failure has none.
        try? Files.remove(Self.mark(path))
    }

    public func keepBest(_ model: any TrainableModel, step: Int) throws {
        try beginFirstSave()
        let record = try self.record ?? ModelDirectory.saveDescription(of: model, tokenizer: tokenizer, to: path)
        try ModelDirectory.saveWeights(of: model, to: path, record: record, metadata: ["step": "\(step)"])
        self.record = record
        bestStep = step
    }

    public func restoreBest(into model: any TrainableModel) throws {
        guard let saved = try ModelDirectory.load(path, acceptingEdits: acceptsEdits).model.neural,
            saved.parameters.map(\.parameter.value.shape) == model.parameters.map(\.parameter.value.shape)
        else {
            throw TrainingError.changed(
                directory: path, what: "its config.json describes another architecture; restore the file")
        }
        model.setWeights(saved.parameters.map(\.parameter.value))
    }

    /// The best model so far, which has to be of a kind and size.
    func loadBest(of model: ModelSpecification) throws -> any NeuralLanguageModel {
        guard let saved = try ModelDirectory.load(path, acceptingEdits: acceptsEdits).model.neural,
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
            tokenizer: tokenizerFile,
            endOfText: tokenizer.endOfText,
            samplesLength: trainer.samples.utf8.count)
        try write(trainer.metrics, samples: trainer.samples)
        try writeSettings(trainer.settings, progress: trainer.progress.json, data: trainer.task.dataRecord)
        try checkpoint.write(to: Self.latest(path), optimizer: trainer.optimizer)
        completeSave()
    }

    /// Saves a model that was counted rather than trained, with its loss over the validation text.
    public func save(
        counted model: any LanguageModel, settings: TrainingSettings, data: DataRecord, result: ValidationResult,
        seconds: Double
    ) throws {
        try beginFirstSave()
        try ModelDirectory.save(model, tokenizer: tokenizer, to: path)
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

// MARK: - What is already there

extension RunDirectory {
    /// What a directory that was to become a run's holds already.
    public enum Occupant: Sendable, Equatable {
        /// A run that has not come to its end.
        case unfinished
        /// A model: a finished run, or one from elsewhere.
        case model
        /// What a run left that was killed before its first save was complete: some of its files, and no weights but those
        /// it began with.
        case incompleteSave
        /// Something else.
        case other

        /// What follows the name of the directory.
        public var words: String {
            switch self {
            case .unfinished: "contains an unfinished run"
            case .model: "already contains a model"
            case .incompleteSave: "contains the files of a run that was killed before its first save was complete"
            case .other: "is not an empty directory"
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
            return checkpoint.progress.finalValue == nil ? .unfinished : .model
        }
        if isIncompleteSave(path, names) { return .incompleteSave }
        return names.contains("config.json") ? .model : .other
    }

    /// The names in a directory, temporary files aside; nil where there is no directory that can be read.
    private static func contents(_ path: String) -> [String]? {
        guard Files.isDirectory(path) else { return nil }
        return try? Files.contents(ofDirectory: path).filter { !AtomicFile.isTemporary($0) }
    }

    /// The files of the model, as a run writes them.
    private static let ownFiles = [
        "config.json", "generation_config.json", TokenizerFile.name, TokenizerFile.configurationName,
        WeightFiles.fileName,
    ]
    /// The files of the run.
    private static let ownTrainingFiles = [
        "first-save", "settings.json", "metrics.csv", "loss.svg", "samples.txt", "latest.safetensors",
    ].map { "training/" + $0 }

    /// Whether a directory holds nothing but files that a first save writes. Weights count only where the save is marked as
    /// incomplete: without the mark they are somebody's model.
    private static func isIncompleteSave(_ path: String, _ names: [String]) -> Bool {
        var own = Set(ownFiles + ["training"])
        if !Files.exists(mark(path)) { own.remove(WeightFiles.fileName) }
        guard names.allSatisfy(own.contains) else { return false }
        guard names.contains("training") else { return true }
        return contents(training(path))?.allSatisfy {
            $0 != "latest.safetensors" && ownTrainingFiles.contains("training/" + $0)
        } ?? false
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
