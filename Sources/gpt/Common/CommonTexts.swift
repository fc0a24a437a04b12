import ArgumentParser
import GPTKit

extension TextOptions {
    /// The texts that were asked for, or else tiny Shakespeare, or else the play that is always there.
    /// - Parameter remark: is told what takes a while.
    func read(remark: (String) -> Void = { note($0) }) throws -> ([NamedText], TextOrigin) {
        if !text.isEmpty { return (try TextSource.read(text), .files(text)) }
        do {
            return ([try TinyShakespeare.load { remark("Downloading tiny Shakespeare ...") }], .tinyShakespeare)
        } catch {
            note("\(error); using the built-in play instead")
            return ([BuiltInCorpus.named], .builtIn)
        }
    }

    /// The share of each text that is for validation.
    var validationShare: Double { validation ?? 0.1 }
}

/// Refuses files of ids where the text itself is needed.
func requireTexts(_ paths: [String]) throws {
    guard let path = paths.first(where: TextSource.holdsTokens) else { return }
    throw ValidationError(
        "\(escaped(path)) is a file of token ids (.bin), which only 'gpt train' can read: give a text file."
    )
}

/// Refuses standard input where it would be read twice.
func requireOneInput(_ paths: [String]) throws {
    if paths.count(where: { $0 == "-" }) > 1 {
        throw ValidationError("Standard input can be read only once: give --text - a single time.")
    }
}
