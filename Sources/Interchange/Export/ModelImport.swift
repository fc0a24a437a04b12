import Files
import Tokenizers

/// Imports models of other programs into directories that this library reads and writes.
public enum ModelImport {
    /// The result of an import.
    public struct Report: Sendable {
        /// The type of the model, such as "gpt2".
        public let modelType: String
        /// The number of parameters.
        public let parameterCount: Int
        /// Whether the weights were copied as they are, rather than converted.
        public let isInPlace: Bool
        /// What is missing, each in one line.
        public let remarks: [String]
    }

    /// Imports a model into a directory, which must be new or empty and is written completely or not at all.
    ///
    /// The files of a Hugging Face directory are copied, so that later changes of the source do not affect the copy. If the file
    /// system supports it, a copy shares its blocks with the original (`Files.copy`). A GGUF file is converted to 32-bit floats,
    /// which represent all its numbers exactly.
    /// - Parameters:
    ///   - path: a Hugging Face directory or a GGUF file.
    ///   - out: the directory to write.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: the file and what is wrong with it, in one line.
    public static func run(_ path: String, to out: String, acceptingEdits: Bool = false) throws -> Report {
        AtomicFile.removeLeftovers(in: Files.parent(of: out))
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        try saved.requireFiniteWeights()
        var remarks: [String] = []
        do { _ = try saved.tokenizer } catch let error as FileError { throw error } catch {
            remarks.append("The model can be used with token ids only: \(error).")
        }
        let isInPlace = Files.isDirectory(path)
        if isInPlace {
            try AtomicDirectory.make(at: out) { temporary in try copy(path, into: temporary, acceptingEdits) }
        } else {
            _ = try ModelExport.run(path, to: .hf, precision: .f32, at: out)
        }
        return Report(
            modelType: saved.model.modelType, parameterCount: saved.model.parameterCount, isInPlace: isInPlace,
            remarks: remarks)
    }

    /// Copies the files of a tokenizer without a `tokenizer.json`, apart from those that are copied anyway.
    private static func copySeparateTokenizerFiles(_ path: String, into directory: String) throws {
        guard try !Files.find("\(path)/\(TokenizerFile.name)") else { return }
        let names = SeparateTokenizerFiles.requiredNames.flatMap { $0 } + SeparateTokenizerFiles.optionalNames
        for name in names where !DescriptionRecord.fileNames.contains(name) {
            if try Files.find("\(path)/\(name)") { try Files.copy("\(path)/\(name)", to: "\(directory)/\(name)") }
        }
    }

    private static func copy(_ path: String, into directory: String, _ acceptingEdits: Bool) throws {
        let weights = try WeightFiles(directory: path)
        var record = DescriptionRecord()
        for name in DescriptionRecord.fileNames where try Files.find("\(path)/\(name)") {
            // An index beside a single file of weights is not used.
            if name == WeightFiles.indexName, try Files.find("\(path)/\(WeightFiles.fileName)") { continue }
            try Files.makeDirectory(Files.parent(of: "\(directory)/\(name)"))
            try Files.copy("\(path)/\(name)", to: "\(directory)/\(name)")
            record.add(name, try TextFile.bytes("\(directory)/\(name)"))
        }
        try copySeparateTokenizerFiles(path, into: directory)
        let folder = "\(path)/\(ModelDescription.otherTemplatesFolder)"
        if Files.isDirectory(folder) {
            let copy = "\(directory)/\(ModelDescription.otherTemplatesFolder)"
            try Files.makeDirectory(copy)
            for name in try Files.contents(ofDirectory: folder) where name.hasSuffix(".jinja") {
                try Files.copy("\(folder)/\(name)", to: "\(copy)/\(name)")
            }
        }
        if acceptingEdits, try weights.record() != nil {
            // The copied weights get a record of the edited files.
            try weights.copy(to: directory, record: record)
        } else {
            for file in weights.paths { try Files.copy(file, to: "\(directory)/\(Files.name(of: file))") }
        }
    }
}
