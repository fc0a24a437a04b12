import Files
import Tokenizers

/// The files of a tokenizer in the directory of its model.
extension TokenizerFile {
    /// Reads the `tokenizer.json` in `directory`. Throws one line that names the file and what is wrong with it.
    package static func read(directory: String) throws -> any Tokenizer {
        let path = directory + "/" + name
        return try tokenizer(from: TextFile.bytes(path), file: path)
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into `directory`, which must exist.
    package static func write(_ tokenizer: any Tokenizer, contextLength: Int? = nil, directory: String) throws {
        try AtomicFile.write(contents(for: tokenizer), to: directory + "/" + name)
        let configuration = configuration(for: tokenizer, contextLength: contextLength)
        try AtomicFile.write(configuration, to: directory + "/" + configurationName)
    }
}
