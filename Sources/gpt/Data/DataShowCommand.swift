import ArgumentParser
import GPTKit

/// `gpt data show`: shows a text as training batches.
struct DataShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show how a text is tokenized, split and batched for training.",
        discussion: """
            The command prints the vocabulary, the split into training and validation text, and one training batch. A batch \
            has B input windows of T consecutive tokens from random positions of the text. The targets are the same \
            windows shifted by one token. So each window has T training examples: the token after position i is predicted from \
            the first i tokens of the window, i = 1 ... T.

              gpt data
              gpt data --text notes.txt --context 16
            """)

    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Text") var tokens: TokenizerOptions

    @Option(
        parsing: .unconditional, help: ArgumentHelp("T, the length of the windows: 1 to 1048576.", valueName: "tokens"))
    var context = 8

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("B, the number of windows in the batch: 1 to 1048576.", valueName: "windows"))
    var batch = 4

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Random seed: the same seed gives the same batch.", valueName: "number"))
    var seed: UInt64 = 1

    /// The maximum number of rows and columns that are shown.
    private static let shownRows = 32
    private static let shownColumns = 64

    func validate() throws {
        for (name, value) in [("--context", context), ("--batch", batch)] where !(1...1 << 20).contains(value) {
            throw ValidationError("\(name) is \(value), which is not between 1 and \(grouped(1 << 20)).")
        }
        if context * batch > 1 << 24 {
            throw ValidationError(
                "A batch of \(batch) windows of \(context) tokens is too large to show; choose a smaller --batch or --context."
            )
        }
        try requireTexts(text.text)
    }

    func run() throws {
        try reportingFailures {
            let (texts, _) = try text.read()
            let validation = text.validationShare
            let choice = try tokens.choice() ?? .characters
            let tokenizer = try choice.make(
                for: NamedText.joined(texts), validation: validation, special: text.specialTokens
            ) { note($0) }
            let data = try TokenDataset(
                texts, tokenizer: tokenizer, validation: validation, contextLength: context,
                special: text.specialTokens, joinsTexts: texts.count > 1)
            if let (token, name) = text.plainSpecialToken(in: texts, tokenizer) {
                note(specialTokenAsText(token, in: name))
            }
            try describe(texts, data, tokenizer, validation)
            let (inputs, targets) = data.batch(batch: batch, length: context, seed: seed, step: 0, microBatch: 0)
            try describe(inputs, targets, tokenizer)
            try describeRow(Array(inputs.ids.prefix(context)), Array(targets.prefix(context)), tokenizer)
        }
    }

    private func describe(
        _ texts: [NamedText], _ data: TokenDataset, _ tokenizer: any Tokenizer, _ validation: Double
    ) throws {
        let characters = texts.map { $0.text.unicodeScalars.count }
        let alphabet = CharacterTokenizer(alphabetOf: texts.map(\.text)).alphabet
        var rows = zip(texts, characters).map { ["text", "\(escaped($0.name)), \(counted($1, "character"))"] }
        rows.append(["alphabet", "\(counted(alphabet.count, "character")): \(shortAlphabet(alphabet))"])
        rows.append(["vocabulary", vocabularyWords(tokenizer.vocabularySize, of: tokenizer)])
        rows.append(["training", "\(counted(data.trainingCount, "token")), the first \(percent(1 - validation))"])
        rows.append(["validation", "\(counted(data.validationCount, "token")), the last \(percent(validation))"])
        for line in aligned(rows, left: [0, 1]) { try writeLine(line) }
    }

    private func percent(_ share: Double) -> String {
        let text = fixed(100 * share, 2)
        return (text.hasSuffix(".00") ? String(text.dropLast(3)) : text) + "%"
    }

    private func describe(_ inputs: TokenBatch, _ targets: [Int32], _ tokenizer: any Tokenizer) throws {
        try writeLine(
            "\nA batch: inputs (B, T) = (\(batch), \(context)) and targets (B, T) = (\(batch), \(context)).\n")
        for (name, ids) in [("inputs", inputs.ids), ("targets", targets)] {
            let rows = (0..<min(batch, Self.shownRows)).map { b in
                let row = ids[b * context..<(b + 1) * context]
                return row.prefix(Self.shownColumns).map { "\($0)" } + (context > Self.shownColumns ? ["..."] : [])
                    + ["  " + quoted(row, tokenizer)]
            }
            try writeLine(name)
            let columns = rows.first?.count ?? 0
            for line in aligned(rows, left: [columns - 1], indentation: 2) { try writeLine(line) }
            if batch > Self.shownRows { try writeLine("  ... and \(counted(batch - Self.shownRows, "row")) more") }
        }
    }

    private func describeRow(_ inputs: [Int32], _ targets: [Int32], _ tokenizer: any Tokenizer) throws {
        try writeLine("\nThe first row contains \(counted(context, "prediction")):\n")
        let shown = min(context, Self.shownColumns)
        let rows = (0..<shown).map { t in
            ["after", quoted(inputs[0...t], tokenizer), "comes", quoted([targets[t]], tokenizer)]
        }
        for line in aligned(rows, left: [0, 1, 2, 3], indentation: 2) { try writeLine(line) }
        if context > shown { try writeLine("  ... and \(counted(context - shown, "prediction")) more") }
    }

    private func quoted(_ ids: some Sequence<Int32>, _ tokenizer: any Tokenizer) -> String {
        "\"\(escaped(tokenizer.decode(ids)))\""
    }
}
