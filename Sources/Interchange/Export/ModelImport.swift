import Files

/// Models of other programs as directories of ours.
public enum ModelImport {
    /// What was made.
    public struct Report: Sendable {
        /// What kind of model it is.
        public let modelType: String
        /// Numbers that training set.
        public let parameterCount: Int
        /// Whether the numbers of the weights stayed as they are rather than being converted.
        public let isInPlace: Bool
        /// What is missing, in a line each.
        public let remarks: [String]
    }

    /// Makes a model of another program into a directory: new or empty, and there whole or not at all.
    ///
    /// The files of a Hugging Face directory are copied, so that later changes of the source do not reach the copy. Where the
    /// file system supports it a copy shares its blocks with the original (`Files.copy`). A GGUF file is converted, into
    /// 32-bit floats, which hold all that it can.
    /// - Parameters:
    ///   - path: a Hugging Face directory or a GGUF file.
    ///   - out: the directory to make.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: one line that names the file and what is wrong with it.
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

    private static func copy(_ path: String, into directory: String, _ acceptingEdits: Bool) throws {
        let weights = try WeightFiles(directory: path)
        var record = DescriptionRecord()
        for name in DescriptionRecord.fileNames where try Files.find("\(path)/\(name)") {
            // An index beside a file with all weights is not read.
            if name == WeightFiles.indexName, try Files.find("\(path)/\(WeightFiles.fileName)") { continue }
            try Files.copy("\(path)/\(name)", to: "\(directory)/\(name)")
            record.add(name, try TextFile.bytes("\(directory)/\(name)"))
        }
        if acceptingEdits, try weights.record() != nil {
            // The copy is of the edited files, so its weights carry a record of those.
            try weights.copy(to: directory, record: record)
        } else {
            for file in weights.paths { try Files.copy(file, to: "\(directory)/\(Files.name(of: file))") }
        }
    }
}
