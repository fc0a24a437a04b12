import ArgumentParser
import GPTKit

/// `gpt data prepare`: encodes texts ahead of time.
struct DataPrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Encode texts of any size into files of token ids.",
        discussion: """
            The texts are read in blocks, so they may be larger than memory. The directory contains:

              train_000000.bin, val_000000.bin, ...   token ids in the format of llm.c, at most 100 million in each file
              tokenizer.json                          the tokenizer
              tokens.json                             the positions of the training and the validation tokens in these files

            The same texts and options always give the same files. If the command is interrupted, complete files are kept in the \
            directory of --out with '.unfinished' added to its name. The same command, run again, continues after them.

              gpt data prepare --text corpus.jsonl --tokenizer bpe:8192 --out corpus
              gpt data prepare --text 'shards/*.txt.zst' --tokenizer gpt2 --out corpus
              gpt train --text corpus
            """)

    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Text") var tokens: TokenizerOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The text between two documents in each text file; \\n is a newline. The end of each document is marked with the "
                + "end-of-text token.", valueName: "text"))
    var documentSeparator: String?

    @Option(help: ArgumentHelp("The directory to create.", valueName: "directory"))
    var out: String

    @Flag(help: "Print the result only, no progress.")
    var quiet = false

    func validate() throws {
        try requireName(out)
        if text.text.isEmpty { throw ValidationError("Give a text with --text.") }
        try requireTexts(text.text)
        if text.text.contains("-") {
            throw ValidationError("Standard input can be read only once: give files with --text.")
        }
    }

    func run() throws {
        try reportingFailures {
            let notice: (String) -> Void = { if !quiet { note($0) } }
            let preparation = TextPreparation(
                tokenizer: try tokens.choice() ?? .characters, validation: text.validationShare,
                specialTokens: text.specialTokens, documentSeparator: documentSeparator.map(unescaped))
            let prepared = try preparation.prepare(
                text.text, to: out, notice: notice, report: { notice("\(grouped($0)) tokens ...") })
            try writeLine(
                "\(escaped(out)): \(grouped(prepared.trainingCount)) training tokens, "
                    + "\(grouped(prepared.validationCount)) validation tokens (\(prepared.tokenizer.kind)). To train a model:"
            )
            try writeLine("  gpt train --text \(shellWord(out))")
        }
    }
}
