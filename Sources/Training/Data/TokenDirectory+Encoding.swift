import Corpus
import Files
import StrictJSON
import Tensors
import Tokenizers

extension TokenDirectory {
    /// Encodes long texts into files in an existing directory, and writes the record of them. If an earlier encoding of the same texts
    /// was interrupted there, it is continued after its last complete file.
    /// - Parameters:
    ///   - texts: the texts, as they are arranged.
    ///   - encoding: how they become tokens.
    ///   - validation: the share of each that is for validation.
    ///   - directory: the directory.
    ///   - shardLength: the most ids of a file.
    ///   - notice: called with a message if an encoding is continued.
    ///   - report: called with the number of ids so far when another file is complete. If it throws, the encoding can be continued.
    /// - Throws: `TrainingError` where the tokenizer has no token for a character, and what prevents reading or writing a file.
    static func encode(
        _ texts: [NamedText], _ encoding: TrainingEncoding, validation: Double, in directory: String,
        shardLength: Int = TokenFileWriter.shardLength, notice: (String) -> Void,
        report: @escaping (_ tokens: Int) throws -> Void = { _ in }
    ) throws {
        let key = try key(of: texts, encoding, validation: validation, shardLength: shardLength)
        var progress = EncodingProgress(key: key)
        if let earlier = EncodingProgress(in: directory, key: key, vocabularySize: encoding.tokenizer.vocabularySize) {
            progress = earlier
            notice("Continuing an encoding that was interrupted after \(progress.tokens) tokens ...")
        } else {
            for name in try Files.contents(ofDirectory: directory) { Files.removeAll(directory + "/" + name) }
        }
        for text in texts.dropFirst(progress.entries.count) {
            guard let long = text.long else { preconditionFailure("only long texts are encoded into files") }
            var encoder = try LongTextEncoder(
                text, long, encoding, validation: validation, in: directory, from: progress.numbers,
                shardLength: shardLength, after: progress.current
            ) { current in
                progress.current = current
                try progress.write(in: directory)
                try report(progress.tokens)
            }
            progress.complete(try encoder.encode(), name: text.name)
            try progress.write(in: directory)
        }
        try AtomicFile.write(
            TokenizerFile.contents(for: encoding.tokenizer), to: directory + "/" + TokenizerFile.name)
        try write(
            directory, documents: progress.entries, hashes: texts.map(\.sha256), validation: validation,
            vocabularySize: encoding.tokenizer.vocabularySize, specialTokens: Array(progress.specialTokens),
            end: encoding.end, spelledToken: progress.spelledToken)
        try Files.remove(EncodingProgress.path(in: directory))
    }

    /// A hash of everything that determines the ids.
    /// - Parameters:
    ///   - texts: the texts, as they are arranged.
    ///   - encoding: how they become tokens.
    ///   - validation: the share of each that is for validation.
    ///   - shardLength: the most ids of a file.
    static func key(
        of texts: [NamedText], _ encoding: TrainingEncoding, validation: Double,
        shardLength: Int = TokenFileWriter.shardLength
    ) throws -> String {
        var parts = [
            "2", SHA256.hexDigest(of: try TokenizerFile.contents(for: encoding.tokenizer).utf8), "\(validation)",
            encoding.special.rawValue, encoding.end.map { "\($0)" } ?? "", "\(shardLength)",
        ]
        for text in texts {
            parts.append(text.sha256)
            parts.append(
                text.documentLengths.map { lengths in
                    SHA256.hexDigest(of: lengths.map { "\($0)" }.joined(separator: " ").utf8)
                } ?? "")
            parts.append(text.documentNames == nil ? "" : "joined")
        }
        return String(SHA256.hexDigest(of: parts.joined(separator: "\n").utf8).prefix(32))
    }
}
