import Files
import Models
import StrictJSON
import Tokenizers

/// The files of a tokenizer in the directory of its model.
extension TokenizerFile {
    /// The files of a tokenizer without a `tokenizer.json` in a directory; nil if there are none.
    package static func separateFiles(in directory: String) throws -> SeparateTokenizerFiles? {
        let present = try SeparateTokenizerFiles.requiredNames.first { names in
            try names.allSatisfy { try Files.find("\(directory)/\($0)") }
        }
        guard let present else { return nil }
        var contents: [String: [UInt8]] = [:]
        for name in present { contents[name] = try TextFile.bytes("\(directory)/\(name)") }
        for name in SeparateTokenizerFiles.optionalNames where try Files.find("\(directory)/\(name)") {
            contents[name] = try TextFile.bytes("\(directory)/\(name)")
        }
        let path = "\(directory)/\(ModelSpecification.configurationFile)"
        let configuration = try Files.find(path) ? try? JSON(parsing: TextFile.bytes(path)) : nil
        return SeparateTokenizerFiles(
            contents, directory: directory, modelType: configuration?["model_type"]?.stringValue)
    }

    /// Writes `tokenizer_config.json` and `tokenizer.json` into `directory`, which must exist. A tokenizer is read from the second,
    /// so it is written last.
    package static func write(_ tokenizer: any Tokenizer, contextLength: Int? = nil, directory: String) throws {
        let configuration = configuration(for: tokenizer, contextLength: contextLength)
        try AtomicFile.write(configuration, to: directory + "/" + configurationName)
        try AtomicFile.write(contents(for: tokenizer), to: directory + "/" + name)
    }

    /// Writes both files, or neither if that fails. The directory is created if necessary. It may contain other files, and
    /// these two only with the same contents.
    package static func make(_ tokenizer: any Tokenizer, directory: String) throws {
        AtomicFile.removeLeftovers(in: Files.parent(of: directory))
        if try Files.find(directory, to: "create"), try !Files.contents(ofDirectory: directory).isEmpty {
            AtomicFile.removeLeftovers(in: directory)
            var missing: [String] = []
            let contents: [(String, String?)] = [(configurationName, configuration(for: tokenizer)), (name, nil)]
            for (file, content) in contents {
                let path = "\(directory)/\(file)"
                guard try Files.find(path, to: "write") else {
                    missing.append(file)
                    continue
                }
                // A process that was killed may have left it.
                guard let content, try TextFile.bytes(path).elementsEqual(content.utf8) else {
                    throw FileError("cannot write", path, "it exists already; choose another directory")
                }
            }
            let pending = try PendingDirectory(directory)
            pending.expect(files: missing)
            try write(tokenizer, directory: directory)
            pending.complete()
        } else {
            try AtomicDirectory.make(at: directory) { try write(tokenizer, directory: $0) }
        }
    }
}
