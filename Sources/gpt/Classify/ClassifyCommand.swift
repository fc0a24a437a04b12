import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt classify`: assigns labels to texts.
struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Assign a label to each line of a text, with its probability.",
        discussion: """
            The model is a classifier: one that was trained by 'gpt train --task classify', or a \
            BertForSequenceClassification of Hugging Face's transformers. It reads texts, one on each line, from a file or \
            from standard input, and writes for each a line with the most probable label, a tab and its probability. A text \
            that is longer than the context of the model is cut off.

              gpt classify reviews --text new.txt
              echo "A joy to watch." | gpt classify reviews
              gpt classify reviews --json < new.txt
            """)

    @Argument(help: ArgumentHelp("The model: a directory.", valueName: "model"))
    var model: String

    @OptionGroup var input: LineInput

    @Flag(help: "Each line has two texts, with a tab between them, for a model that was trained with --pair-column.")
    var pairs = false

    @Flag(help: "Write a JSON object on each line, with the probabilities of all labels.")
    var json = false

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws { try requireNames(model) }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                let classifier = try TextClassifier(try files.load(model))
                var truncated = 0
                try input.forEach(atMost: 32) { first, lines in
                    var sequences: [TokenSequence] = [], failure: (any Error)?
                    for (index, line) in lines.enumerated() {
                        do { sequences.append(try encode(line, classifier)) } catch {
                            // The lines before it are classified first.
                            failure = CommandFailure("\(input.name), line \(first + index): \(error)")
                            break
                        }
                    }
                    truncated += sequences.count { $0.count == classifier.contextLength }
                    try write(classifier.classify(sequences).map { self.line($0) + "\n" }.joined())
                    if let failure { throw failure }
                }
                if truncated > 0 {
                    note(
                        "\(counted(truncated, "text")) had \(classifier.contextLength) tokens or more, the context of the model; "
                            + "the rest was not read.")
                }
            }
        }
    }

    private func encode(_ line: String, _ classifier: TextClassifier) throws -> TokenSequence {
        guard pairs else { return try classifier.encode(line) }
        let texts = line.utf8.split(separator: 0x09, omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard texts.count == 2 else {
            throw CommandFailure(
                "it has \(counted(texts.count, "text")), and --pairs needs two with a tab between them")
        }
        return try classifier.encode(texts[0], pair: texts[1])
    }

    private func line(_ result: TextClassifier.Result) -> String {
        guard json else { return "\(escaped(result.label))\t\(fixed(result.probability, 4))" }
        let all = zip(result.labels, result.probabilities).map { ($0, JSON.double($1)) }
        let object: JSON = [
            "label": .string(result.label), "probability": .double(result.probability),
            "probabilities": .object(JSONObject(all)),
        ]
        return object.serialized()
    }
}
