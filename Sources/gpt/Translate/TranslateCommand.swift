import ArgumentParser
import GPTKit

/// `gpt translate`: translates texts, line by line.
struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Translate texts with an encoder-decoder, line by line.",
        discussion: """
            Each line of the input is a text. Its translation is one line of the output, which is written as soon as it is \
            known. The texts are arguments, the lines of a file, or the lines of standard input. The translation of a blank line is an empty line.

            Greedy search selects the most probable token at each position. With --beams N, the search keeps the N most probable \
            partial translations (hypotheses). The score of a hypothesis is its log probability divided by its length to the \
            power of --length-penalty, and the hypothesis with the highest score is the translation. More beams often give a \
            better translation, and take more time. The defaults are those in the model's generation_config.json, or else greedy \
            search.

              gpt translate dates "the third of March, 1998"
              gpt translate dates --text dates.txt --beams 4 > translations.txt
              gpt translate opus-mt < sentences.txt
            """)

    @Argument(
        help: ArgumentHelp(
            "The model: a directory that 'gpt train --task translate' wrote, or a Marian directory in the format of Hugging "
                + "Face's transformers.",
            valueName: "model"))
    var model: String

    @Argument(help: ArgumentHelp("Texts to translate. (default: the lines of --text, or of standard input)"))
    var texts: [String] = []

    @OptionGroup var input: LineInput

    @OptionGroup(title: "Search") var search: SearchOptions

    @OptionGroup var replacement: ReplacementOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    /// The number of texts that are translated before they are written.
    private static let group = 16

    func validate() throws {
        try requireNames(model)
        if input.text != nil, !texts.isEmpty {
            throw ValidationError("Give the texts as arguments or with --text, not both.")
        }
    }

    func run() throws {
        try reportingFailures {
            try execution.execute(with: precision) {
                var translator = try Translator(files.load(model, precision, replacement))
                try search.apply(to: &translator, model)
                guard texts.isEmpty else { return try translate(texts, after: 0, translator, called: "text") }
                try input.forEach(atMost: Self.group) { first, lines in
                    try translate(lines, after: first - 1, translator, called: "\(input.name), line")
                }
            }
        }
    }

    /// Translates lines and writes the translations.
    /// - Parameters:
    ///   - lines: the lines.
    ///   - count: the number of lines before them.
    ///   - translator: the model.
    ///   - name: what the number of a line follows in an error message.
    private func translate(_ lines: [String], after count: Int, _ translator: Translator, called name: String) throws {
        for start in stride(from: 0, to: lines.count, by: Self.group) {
            var sources: [[Int32]?] = []
            var failure: (any Error)?
            for number in start..<min(start + Self.group, lines.count) {
                do { sources.append(try source(lines[number], translator)) } catch {
                    // The lines before it are translated first.
                    failure = CommandFailure("\(name) \(count + number + 1): \(error)")
                    break
                }
            }
            var translations = translator.translate(sources.compactMap { $0 }).makeIterator()
            for source in sources { try writeLine(source == nil ? "" : onOneLine(translations.next() ?? "")) }
            if let failure { throw failure }
        }
    }

    /// The ids of a line; nil if it is blank.
    private func source(_ line: String, _ translator: Translator) throws -> [Int32]? {
        if line.allSatisfy(\.isWhitespace) { return nil }
        return try replacement.suggesting { try translator.encode(source: line, replacing: replacement.scalar) }
    }

    /// A translation with a space in place of each line end.
    private func onOneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
