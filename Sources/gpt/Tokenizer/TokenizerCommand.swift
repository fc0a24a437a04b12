import ArgumentParser
import Files
import GPTKit

/// `gpt tokenizer`: commands for vocabularies, without a model.
struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract: "Train a tokenizer, encode and decode text, show how a text is split into tokens.",
        discussion: """
            A vocabulary is trained on a text with 'gpt tokenizer train', or is a published one such as gpt2, cl100k or \
            o200k, which is downloaded once and cached. The ids are the same as those of tiktoken and of Hugging Face's \
            tokenizers.

              gpt tokenizer train --text notes.txt --vocabulary 1024 --out notes-tokens
              echo "Hello, world" | gpt tokenizer encode --tokenizer cl100k
              gpt tokenizer count --tokenizer gpt2 --tokenizer o200k notes.txt
              gpt tokenizer info notes-tokens --sentence "How is this split?"
            """,
        subcommands: [
            TokenizerTrainCommand.self,
            TokenizerEncodeCommand.self,
            TokenizerDecodeCommand.self,
            TokenizerCountCommand.self,
            TokenizerInfoCommand.self,
            TokenizerCheckCommand.self,
            TokenizerBenchCommand.self,
        ])
}

/// Parses the name of a tokenizer: a published vocabulary, a file or a model directory.
private func tokenizerChoice(_ name: String) throws -> TokenizerSpecification {
    if ["char", "bpe", "wordpiece"].contains(name) || name.hasPrefix("bpe:") || name.hasPrefix("wordpiece:") {
        throw CommandFailure(
            "'\(name)' is trained on a text and cannot be used here: give a file written by 'gpt tokenizer train', a model "
                + "directory, or one of byte, "
                + TokenizerSpecification.publishedNames)
    }
    let forms =
        "byte, \(TokenizerSpecification.publishedNames), a file (tokenizer.json or .tiktoken), or a model's directory"
    return try TokenizerSpecification(asked: name, forms: forms)
}

/// Rejects a name that cannot be the name of a tokenizer.
func requireTokenizer(_ name: String) throws {
    try requireNames(name)
    try checkingUsage { try tokenizerChoice(name) }
}

/// Loads the tokenizer with the name `name`.
func loadTokenizer(_ name: String) throws -> any Tokenizer {
    try tokenizerChoice(name).make(for: [], validation: 0.5) { note($0) }
}

/// The file to read; standard input if none is given.
struct InputOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The file to read, in UTF-8. (default: -, standard input)", valueName: "file"))
    var file: String?

    func validate() throws { try requireNames(file) }

    /// The path for `TextFile`. If standard input is a terminal, prints which input the command is waiting for.
    func path(_ what: String) -> String {
        if let file { return file }
        if inputIsTerminal { note("Waiting for \(what) on standard input; Ctrl-D ends it.") }
        return "-"
    }
}

extension Tokenizer {
    /// Encodes a part of a text. Positions in errors refer to the whole text.
    func encode(_ text: String, special: SpecialTokenTreatment, at place: TextPlace) throws -> [Int32] {
        do {
            return try encode(text, special: special.policy)
        } catch let error as TokenizerError { throw moved(error, by: place) }
    }

    /// Counts the tokens of a part of a text. Positions in errors refer to the whole text.
    func count(_ text: String, special: SpecialTokenTreatment, at place: TextPlace) throws -> Int {
        do {
            return try count(text, special: special.policy)
        } catch let error as TokenizerError { throw moved(error, by: place) }
    }

    /// Converts an error in a part of a text to an error with a position in the whole text.
    private func moved(_ error: TokenizerError, by place: TextPlace) -> any Error {
        switch error {
        case .specialToken(let name, let position):
            CommandFailure(
                "the text contains the special token \(escaped(name)) at byte \(place.bytes + position): use --special allow "
                    + "to encode it as a special token, or --special text to encode it as plain text")
        case .unknownCharacter(let character, let position, let alphabet):
            TokenizerError.unknownCharacter(character, position: place.characters + position, alphabet: alphabet)
        default: error
        }
    }
}

/// The start of a part of a text that is read in blocks.
struct TextPlace {
    var bytes = 0
    var characters = 0

    /// Advances to the end of a part.
    mutating func pass(_ text: String) {
        bytes += text.utf8.count
        characters += text.unicodeScalars.count
    }
}

/// The help of the option for the template of a vocabulary.
let templateHelp = ArgumentHelp(
    "Add the special tokens of the tokenizer.json's template (TemplateProcessing), such as <|begin_of_text|> at the "
        + "beginning. Has no effect if the tokenizer has no template.")
