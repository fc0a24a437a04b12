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
    /// The weights of a Hugging Face directory are not copied where the file system can give a file a second name: they are
    /// the same file then, which neither this program nor transformers writes to in place. A GGUF file is converted, into
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
        do { _ = try saved.tokenizer } catch { remarks.append("It can take ids but no text: \(error).") }
        let isInPlace = Files.isDirectory(path)
        if isInPlace {
            try AtomicDirectory.make(at: out) { temporary in try link(path, into: temporary) }
        } else {
            _ = try ModelExport.run(path, to: .hf, precision: .f32, at: out)
        }
        return Report(
            modelType: saved.model.modelType, parameterCount: saved.model.parameterCount, isInPlace: isInPlace,
            remarks: remarks)
    }

    private static func link(_ path: String, into directory: String) throws {
        for name in try descriptions.filter({ try Files.find("\(path)/\($0)") }) + WeightFiles.names(in: path) {
            try Files.linkOrCopy("\(path)/\(name)", to: "\(directory)/\(name)")
        }
    }
}
