import Files

/// Models of other programs as directories of ours.
public enum ModelImport {
    /// What was made.
    public struct Report: Sendable {
        /// What kind of model it is.
        public let modelType: String
        /// Numbers that training set.
        public let parameterCount: Int
        /// Whether the weights were taken as they are rather than converted.
        public let isInPlace: Bool
        /// What is missing, in a line each.
        public let remarks: [String]
    }

    /// The files of a Hugging Face directory that belong to the model; others stay behind.
    private static let descriptions = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    ]

    /// Makes a model of another program into a directory: new or empty, and there whole or not at all.
    ///
    /// The files of a Hugging Face directory are copied, so that later changes of the source do not reach the copy. Where the
    /// file system supports it a copy shares its blocks with the original (`Files.copy`). A GGUF file is converted, into
    /// 32-bit floats, which hold all that it can.
    /// - Parameters:
    ///   - path: a Hugging Face directory or a GGUF file.
    ///   - out: the directory to make.
    /// - Throws: one line that names the file and what is wrong with it.
    public static func run(_ path: String, to out: String) throws -> Report {
        AtomicFile.removeLeftovers(in: Files.parent(of: out))
        let saved = try ModelDirectory.load(path)
        try saved.requireFiniteWeights()
        var remarks: [String] = []
        do { _ = try saved.tokenizer } catch let error as FileError { throw error } catch {
            remarks.append("It can take ids but no text: \(error).")
        }
        let isInPlace = Files.isDirectory(path)
        if isInPlace {
            try AtomicDirectory.make(at: out) { temporary in try copy(path, into: temporary) }
        } else {
            _ = try ModelExport.run(path, to: .hf, precision: .f32, at: out)
        }
        return Report(
            modelType: saved.model.modelType, parameterCount: saved.model.parameterCount, isInPlace: isInPlace,
            remarks: remarks)
    }

    private static func copy(_ path: String, into directory: String) throws {
        for name in try descriptions.filter({ try Files.find("\(path)/\($0)") }) + WeightFiles.names(in: path) {
            try Files.copy("\(path)/\(name)", to: "\(directory)/\(name)")
        }
    }
}
