import ArgumentParser
import Files
import GPTKit

extension TextOptions {
    /// Reads the specified texts. If there are none, reads tiny Shakespeare, or the built-in play if that cannot be
    /// downloaded.
    /// - Parameter remark: called with a message before a slow step, or about a byte-order mark or line ends.
    /// - Parameter limit: the length in bytes from which on texts are not read into memory.
    func read(
        longFrom limit: Int = .max, remark: (String) -> Void = { note($0) }
    ) throws -> ([NamedText], TextOrigin) {
        if !text.isEmpty { return (try TextSource.read(text, longFrom: limit, notice: remark), .files(text)) }
        do {
            return ([try TinyShakespeare.load { remark("Downloading tiny Shakespeare ...") }], .tinyShakespeare)
        } catch {
            note("\(error); using the built-in play instead")
            return ([BuiltInCorpus.named], .builtIn)
        }
    }

    /// How special tokens in the texts are treated.
    var specialTokens: SpecialTokenTreatment { special ?? .text }

    /// Rejects --special if there is no text that it applies to.
    func requireEffect(on texts: [NamedText]) throws {
        guard special != nil,
            texts.allSatisfy({ $0.tokenIDs != nil || $0.prepared != nil || $0.conversations != nil })
        else { return }
        throw CommandFailure(
            "--special applies to texts, and \(texts.map(\.name).joined(separator: ", ")) has token ids or conversations; "
                + "leave it out")
    }

    /// The first special token that the texts spell, and the name of that text, if the default applies to it.
    func plainSpecialToken(
        in texts: [NamedText], _ tokenizer: any Tokenizer, _ data: TokenDataset? = nil
    ) -> (token: SpecialToken, name: String)? {
        special == nil ? TrainingRun.specialTokenAsText(in: texts, tokenizer, data) : nil
    }

    /// The fraction of each text that is used for validation.
    var validationShare: Double { validation ?? 0.1 }
}

/// Rejects files of token ids if the text itself is needed.
func requireTexts(_ paths: [String]) throws {
    guard let path = paths.first(where: TextSource.holdsTokens) else { return }
    throw ValidationError(
        "\(escaped(path)) is a file of token ids (.bin), which only 'gpt train' can read: give a text file."
    )
}

/// Checks the values of an option for several files, and expands patterns of file names.
func matchingFiles(_ paths: [String]) throws -> [String] {
    try requireOneInput(paths)
    try requireNames(paths)
    return try checkingUsage { try Files.matching(paths) }
}

/// Rejects standard input if it is given more than once.
func requireOneInput(_ paths: [String]) throws {
    if paths.count(where: { $0 == "-" }) > 1 {
        throw ValidationError("Standard input can be read only once: give - a single time.")
    }
}
