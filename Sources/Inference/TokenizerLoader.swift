import Files
import Interchange
import Tensors
import Tokenizers

/// Loads tokenizers from files, from models, and from published vocabularies, which are downloaded once.
public enum TokenizerLoader {
    /// The tokenizer of a `tokenizer.json`, of a `.tiktoken` file with the vocabulary of a published encoding, or of a model,
    /// which is a directory or a GGUF file. In the directory of a model that this package saved, the tokenizer.json must be
    /// unchanged since then; if `path` is the file itself, it may be edited.
    /// - Throws: one line that names the file and what is wrong with it.
    public static func read(_ path: String) throws -> any Tokenizer {
        if Files.isDirectory(path) {
            guard try Files.find(path + "/" + TokenizerFile.name) else {
                if let files = try TokenizerFile.separateFiles(in: path) { return try files.tokenizer() }
                throw ModelError(
                    path: path,
                    reason:
                        "it has no \(TokenizerFile.name); give a model that has one, a tokenizer.json or a .tiktoken "
                        + "file")
            }
            let bytes = try TextFile.bytes(path + "/" + TokenizerFile.name)
            // The tokenizer can be used even if the weights cannot be read.
            if let record = try? WeightFiles(directory: path).record() {
                do { try record.verify(TokenizerFile.name, bytes, in: path) } catch {
                    throw ModelError(
                        path: error.path,
                        reason:
                            "edited or damaged since the model was saved; restore it, or give the path of the file to use it"
                    )
                }
            }
            return try TokenizerFile.tokenizer(from: bytes, file: path + "/" + TokenizerFile.name)
        }
        if try GGUFFile.isOne(path) { return try GGUFModel.readTokenizer(try GGUFFile(path: path)).get() }
        let contents = try TextFile.bytes(path)
        guard path.hasSuffix(".tiktoken") else { return try TokenizerFile.tokenizer(from: contents, file: path) }
        // The file is only a list of tokens: the split pattern and the special tokens follow from the encoding.
        let name = path.split(separator: "/").last.map { String($0.dropLast(".tiktoken".count)) } ?? ""
        let digest = SHA256.hexDigest(of: contents)
        let known = PublishedEncoding.allCases.filter { $0.files.count == 1 }
        let same = known.filter { $0.files[0].sha256 == digest }
        guard let encoding = same.first(where: { $0.name == name }) ?? same.first else {
            if known.contains(where: { $0.name == name }) { throw differs(path) }
            let names = known.map(\.name).joined(separator: ", ")
            throw TokenizerError.unreadable(
                file: path,
                reason:
                    "a token list has no split pattern, and it is not one of the published lists (\(names)); "
                    + "give a \(TokenizerFile.name) instead")
        }
        return try encoding.tokenizer(files: [contents])
    }

    /// The tokenizer of a published encoding.
    ///
    /// If `folder` is given, its files are read from there. Otherwise they are read from `$GPT_DATA/tokenizers` or from the
    /// user's cache directory, or downloaded to the cache directory.
    /// - Parameters:
    ///   - encoding: the encoding.
    ///   - folder: a directory with the files named as in `PublishedEncoding.files`.
    ///   - mayDownload: whether the files may be downloaded.
    ///   - willDownload: called with the address before each download.
    /// - Throws: one line: a file is missing, cannot be downloaded, or is not the published one.
    public static func published(
        _ encoding: PublishedEncoding, folder: String? = nil, mayDownload: Bool = true,
        willDownload: (String) -> Void = { _ in }
    ) throws -> BPETokenizer {
        try encoding.tokenizer(
            files: encoding.files.map { file in
                do {
                    if let folder { return try published(file).contents(at: "\(folder)/\(file.name)") }
                    return try published(file).contents(mayDownload: mayDownload) { willDownload(file.url) }
                } catch let failure as PublishedFile.Failure { throw error(failure, file) }
            })
    }

    /// Whether the files of a published encoding are where `published` reads them from. Their contents are not checked.
    package static func isKept(_ encoding: PublishedEncoding, folder: String? = nil) -> Bool {
        encoding.files.allSatisfy { file in
            folder.map { Files.exists("\($0)/\(file.name)") } ?? published(file).isPresent
        }
    }

    private static let subfolder = "tokenizers"

    private static func published(_ file: PublishedEncoding.File) -> PublishedFile {
        PublishedFile(name: "\(subfolder)/\(file.name)", url: file.url, sha256: file.sha256)
    }

    private static func error(_ failure: PublishedFile.Failure, _ file: PublishedEncoding.File) -> ModelError {
        switch failure {
        case .differs(let path): return differs(path)
        case .noCacheFolder:
            return ModelError(
                path: file.name, reason: "it cannot be cached: neither HOME nor XDG_CACHE_HOME is set")
        case .missing:
            let cache = "\(Files.cacheDirectory ?? "")/\(subfolder)"
            return ModelError(path: file.name, reason: "it is neither in \(cache) nor in $GPT_DATA/\(subfolder)")
        case .download(let path, let reason):
            return ModelError(
                path: path,
                reason: "\(reason); without a network, copy \(file.name) to this path or to $GPT_DATA/\(subfolder)")
        }
    }

    private static func differs(_ path: String) -> ModelError {
        ModelError(path: path, reason: "it is not the published file: its SHA-256 differs; download it again")
    }
}
