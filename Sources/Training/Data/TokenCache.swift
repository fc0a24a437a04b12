import Corpus
import Files
import Tokenizers

/// The files of token ids that long texts were encoded into. They are kept in the user's cache folder, so that the next run with
/// the same text and tokenizer begins at once.
enum TokenCache {
    /// The encoded text, which is encoded first if it is not in the cache.
    /// - Parameters:
    ///   - text: a long text.
    ///   - encoding: how it becomes tokens.
    ///   - validation: the share of it that is for validation.
    ///   - notice: called with a message before it is encoded.
    /// - Throws: `TrainingError` where the tokenizer has no token for a character, and what prevents reading or writing a file.
    static func directory(
        of text: NamedText, _ long: LongText, _ encoding: TrainingEncoding, validation: Double,
        notice: (String) -> Void
    ) throws -> TokenDirectory {
        guard let cache = Files.cacheDirectory else {
            throw TrainingError.setting(
                "\(text.name) is too long to be encoded in memory, and neither HOME nor XDG_CACHE_HOME says where its tokens "
                    + "can be kept; set one of them, or encode the text ahead of time with 'gpt data prepare'")
        }
        let folder = cache + "/tokens"
        let path = folder + "/" + (try TokenDirectory.key(of: [text], encoding, validation: validation))
        if Files.exists(path) {
            do { return try TokenDirectory(path) } catch {
                notice("The encoded text in the cache is damaged, and is replaced: \(error)")
                Files.removeAll(path)
            }
        }
        notice(
            "Encoding \(text.name) with \(encoding.tokenizer.kind) into \(path), which is kept for later runs ...")
        try Files.makeDirectory(folder)
        AtomicFile.removeLeftovers(in: folder)
        try AtomicDirectory.makeGradually(at: path, waits: true) { unfinished in
            try TokenDirectory.encode([text], encoding, validation: validation, in: unfinished, notice: notice)
        }
        return try TokenDirectory(path)
    }
}
