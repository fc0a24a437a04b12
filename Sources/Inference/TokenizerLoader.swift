import Files
import Interchange
import Platform
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
                if let folder { return try verified(folder + "/" + file.name, file) }
                return try contents(of: file, mayDownload, willDownload)
            })
    }

    /// Whether the files of a published encoding are where `published` reads them from. Their contents are not checked.
    package static func isKept(_ encoding: PublishedEncoding, folder: String? = nil) -> Bool {
        let data = getenv("GPT_DATA").map { String(cString: $0) } ?? ""
        let folders =
            folder.map { [$0] }
            ?? [data.isEmpty ? nil : data, Files.cacheDirectory].compactMap { $0.map { $0 + "/tokenizers" } }
        return encoding.files.allSatisfy { file in folders.contains { Files.exists("\($0)/\(file.name)") } }
    }

    /// The bytes of a published file. Its SHA-256 is checked, because a wrong rank would silently result in other ids.
    private static func verified(_ path: String, _ file: PublishedEncoding.File) throws -> [UInt8] {
        let contents = try TextFile.bytes(path)
        guard SHA256.hexDigest(of: contents) == file.sha256 else { throw differs(path) }
        return contents
    }

    private static func differs(_ path: String) -> ModelError {
        ModelError(path: path, reason: "it is not the published file: its SHA-256 differs; download it again")
    }

    private static func contents(
        of file: PublishedEncoding.File, _ mayDownload: Bool, _ willDownload: (String) -> Void
    ) throws -> [UInt8] {
        if let folder = getenv("GPT_DATA").map({ String(cString: $0) }), !folder.isEmpty {
            let path = "\(folder)/tokenizers/\(file.name)"
            if Files.exists(path) { return try verified(path, file) }
        }
        guard let cache = Files.cacheDirectory.map({ $0 + "/tokenizers" }) else {
            throw ModelError(
                path: file.name, reason: "it cannot be cached: neither HOME nor XDG_CACHE_HOME is set")
        }
        let path = "\(cache)/\(file.name)"
        if let kept = try? TextFile.bytes(path), SHA256.hexDigest(of: kept) == file.sha256 { return kept }
        guard mayDownload else {
            if Files.exists(path) { throw differs(path) }
            throw ModelError(path: file.name, reason: "it is neither in \(cache) nor in $GPT_DATA/tokenizers")
        }
        willDownload(file.url)
        try Files.makeDirectory(cache)
        AtomicFile.removeLeftovers(in: cache)
        do { try Download.fetch(url: file.url, to: path, sha256: file.sha256) } catch {
            throw ModelError(
                path: path,
                reason:
                    "\(error); without a network, copy \(file.name) to this path or to $GPT_DATA/tokenizers")
        }
        return try TextFile.bytes(path)
    }
}
