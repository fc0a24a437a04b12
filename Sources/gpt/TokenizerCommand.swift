import ArgumentParser
import Files
import GPTKit

/// `gpt tokenizer`: vocabularies by themselves, without a model.
struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract: "Learn vocabularies, and turn text into tokens and back.",
        discussion: """
            A vocabulary is learnt from a text ('train'), or is one that others published: gpt2, cl100k, o200k and their \
            kin, fetched once and then kept. What comes out are the ids that tiktoken and Hugging Face's tokenizers give.

              gpt tokenizer train --text notes.txt --vocabulary 1024 --out notes-tokens
              echo "Hello, world" | gpt tokenizer encode --tokenizer cl100k
              gpt tokenizer count --tokenizer gpt2 --tokenizer o200k notes.txt
              gpt tokenizer info notes-tokens --sentence "How is this cut?"
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

/// What becomes of special tokens that a text spells.
enum SpecialTokenOption: String, ExpressibleByArgument, CaseIterable {
    case refuse, text, allow

    var policy: SpecialTokenPolicy {
        switch self {
        case .refuse: .refused
        case .text: .plainText
        case .allow: .allowed
        }
    }

    static let help = ArgumentHelp(
        "What becomes of special tokens, such as <|endoftext|>, that the text spells: it is refused, they are text like any "
            + "other, or they become those tokens.")
}

/// The tokenizer that is called `name`: a published one, a file, or that of a model.
func loadTokenizer(_ name: String) throws -> any Tokenizer {
    let choice: TokenizerChoice
    do { choice = try TokenizerChoice(asked: name) } catch { throw CommandFailure("\(error)") }
    switch choice {
    case .characters, .bytePairs:
        throw CommandFailure(
            "'\(name)' is made from a text: name a file that 'gpt tokenizer train' made, or a model, or one of byte, "
                + TokenizerChoice.publishedNames)
    default: return try choice.make(for: [], validation: 0.5) { note($0) }
    }
}

/// The files to read; standard input where none is given.
struct InputOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The file to read, in UTF-8; - or none for standard input.", valueName: "file"))
    var file: String?

    /// The path as `TextFile` takes it. Who waits at a terminal is told what for.
    func path(_ what: String) -> String {
        if let file { return file }
        if inputIsTerminal { note("Waiting for \(what) on standard input; Ctrl-D ends it.") }
        return "-"
    }
}

extension Tokenizer {
    /// Where a text may be cut in two that are encoded by themselves (see `TextFile.readBlocks`).
    func placeToCut(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let tokenizer = self as? BPETokenizer else {
            // Tokens are characters or less: behind any letter of ASCII.
            return bytes.lastIndex { $0 < 0x80 }.map { $0 + 1 }
        }
        // A special token with a space in it could be cut in two, and one that takes the space beside it be cut from that.
        let isSplit = tokenizer.specialTokens.contains {
            $0.stripsLeft || $0.stripsRight || $0.text.utf8.contains { $0 == 0x20 || $0 == 0x0A }
        }
        return isSplit ? nil : tokenizer.pattern.placeToCut(in: bytes)
    }

    /// The ids of a part of a text, which begins at its byte numbered `position`.
    func encode(_ text: String, special: SpecialTokenOption, at position: Int) throws -> [Int32] {
        guard let tokenizer = self as? BPETokenizer else { return try encode(text) }
        do { return try tokenizer.encode(text, special: special.policy) } catch { throw moved(error, by: position) }
    }

    /// How many ids it has.
    func count(_ text: String, special: SpecialTokenOption, at position: Int) throws -> Int {
        guard let tokenizer = self as? BPETokenizer else { return try encode(text).count }
        do { return try tokenizer.count(text, special: special.policy) } catch { throw moved(error, by: position) }
    }

    private func moved(_ error: TokenizerError, by position: Int) -> any Error {
        guard case .specialToken(let name, let place) = error else { return error }
        return CommandFailure(
            "the text spells the special token \(escaped(name)) at byte \(position + place): with --special allow it "
                + "becomes one, with --special text it is text like any other")
    }
}
