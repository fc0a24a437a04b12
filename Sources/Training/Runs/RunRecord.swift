import Corpus
import Files

/// What the model in a directory was trained on, as its last save records it. The run may be training meanwhile.
public struct RunRecord: Sendable {
    /// The settings of the run.
    public let settings: TrainingSettings
    /// The source of the data.
    public let origin: DataOrigin
    private let hashes: [String]

    /// Reads the record.
    /// - Returns: nil if the directory has no run that can be read.
    public init?(directory: String) {
        let path = RunDirectory.latest(directory)
        guard Files.exists(path), let checkpoint = try? Checkpoint(path: path, verifying: false) else { return nil }
        settings = checkpoint.settings
        origin = checkpoint.origin
        hashes = checkpoint.textHashes
    }

    /// The labelled texts that a classifier has learned from, which are read again.
    /// - Throws: why they are not available, in one line.
    public func trainingTexts() throws -> LabelledTexts {
        guard !origin.paths.contains("-") else {
            throw TrainingError.setting("the training texts were read from standard input")
        }
        guard case .encoder(let configuration) = settings.model,
            let texts = try LabelledTexts.read(origin, labels: configuration.labels)
        else { throw TrainingError.setting("the model has not learned from labelled texts") }
        guard [texts.sha256] == hashes else {
            throw TrainingError.setting("\(texts.name) has changed since the training")
        }
        return try LabelledSource(texts, settings).training
    }
}
