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
        let path = folder + "/" + (try key(of: text, encoding, validation: validation))
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
        do {
            try AtomicDirectory.make(at: path) { temporary in
                try TokenDirectory.encode([text], encoding, validation: validation, in: temporary)
            }
        } catch {
            // Another process may have been faster.
            guard let directory = try? TokenDirectory(path) else { throw error }
            return directory
        }
        return try TokenDirectory(path)
    }

    /// A hash of everything that the ids follow from.
    private static func key(of text: NamedText, _ encoding: TrainingEncoding, validation: Double) throws -> String {
        let parts = [
            "1", text.sha256, SHA256.hexDigest(of: try TokenizerFile.contents(for: encoding.tokenizer).utf8),
            "\(validation)", encoding.special.rawValue, encoding.end.map { "\($0)" } ?? "",
            text.documentLengths.map { lengths in
                SHA256.hexDigest(of: lengths.map { "\($0)" }.joined(separator: " ").utf8)
            } ?? "", text.documentNames == nil ? "" : "joined",
        ]
        return String(SHA256.hexDigest(of: parts.joined(separator: "\n").utf8).prefix(32))
    }
}

extension TokenDirectory {
    /// Encodes long texts into files in an existing directory, and writes the record of them.
    /// - Parameters:
    ///   - texts: the texts, as they are arranged.
    ///   - encoding: how they become tokens.
    ///   - validation: the share of each that is for validation.
    ///   - directory: the directory.
    ///   - shardLength: the most ids of a file.
    static func encode(
        _ texts: [NamedText], _ encoding: TrainingEncoding, validation: Double, in directory: String,
        shardLength: Int = TokenFileWriter.shardLength
    ) throws {
        var entries: [Entry] = [], specialTokens: Set<Int32> = [], spelled: (text: String, name: String)?
        var numbers = (training: 0, validation: 0)
        for text in texts {
            guard let long = text.long else { preconditionFailure("only long texts are encoded into files") }
            var encoder = try LongTextEncoder(
                text, long, encoding, validation: validation, in: directory, from: numbers, shardLength: shardLength)
            let result = try encoder.encode()
            numbers = encoder.nextNumbers
            entries.append(result.entry)
            specialTokens.formUnion(result.specialTokens)
            if spelled == nil { spelled = result.spelledToken.map { ($0, text.name) } }
        }
        try AtomicFile.write(
            TokenizerFile.contents(for: encoding.tokenizer), to: directory + "/" + TokenizerFile.name)
        try write(
            directory, documents: entries, hashes: texts.map(\.sha256), validation: validation,
            vocabularySize: encoding.tokenizer.vocabularySize, specialTokens: Array(specialTokens), end: encoding.end,
            spelledToken: spelled)
    }
}
