import ArgumentParser
import GPTKit

/// `gpt embed`: writes embeddings of texts.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write the embedding of each line of a text: a vector of numbers that represents its meaning.",
        discussion: """
            The model is an encoder (BERT), such as a model of sentence-transformers. Lines that mean the same have \
            embeddings that are close to each other. The embeddings equal those of sentence-transformers: modules.json in the \
            directory of the model, and the files that it names, define how the vectors of the tokens are combined (pooling and \
            normalization). Without modules.json, an embedding is the mean of the vectors of the tokens, not normalized.

              gpt embed all-MiniLM-L6-v2 --text sentences.txt > embeddings.txt
              echo "How old are you?" | gpt embed all-MiniLM-L6-v2 --json

            The output has a line for each line of the text, with numbers separated by spaces, or with a JSON array. An \
            empty line has an embedding too, that of an empty text.
            """)

    @OptionGroup var model: ModelOptions

    @OptionGroup var input: LineInput

    @Flag(help: "Write each embedding as a JSON array.")
    var json = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The batch size, 1 or more: the maximum number of lines that are computed together. It has no effect on the embeddings.",
            valueName: "number"))
    var batch = 32

    func validate() throws {
        guard (1...1 << 20).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be between 1 and \(1 << 20).")
        }
    }

    func run() throws {
        try reportingFailures {
            try model.execution.execute {
                let embedder = try TextEmbedder(model.files.load(model.model))
                if !embedder.hasOwnSettings {
                    note(
                        "\(model.model) has no modules.json: the embedding is the mean of the vectors of the tokens, not normalized."
                    )
                }
                var output = EmbeddingOutput(embedder, batch: batch, json: json)
                // Of many lines those of equal length are computed together, and the results are written soon.
                try input.forEach(atMost: 16 * batch) { _, lines in try output.write(lines) }
                if output.truncated > 0 {
                    note(
                        "\(counted(output.truncated, "line")) had more than \(grouped(embedder.maximumLength)) tokens; only the "
                            + "first \(grouped(embedder.maximumLength)) were used.")
                }
            }
        }
    }
}

/// Writes the embeddings of the lines of a text.
private struct EmbeddingOutput {
    private let embedder: TextEmbedder
    private let batch: Int
    private let json: Bool
    /// The number of lines so far.
    private var lines = 0
    /// How many of them were too long.
    private(set) var truncated = 0

    init(_ embedder: TextEmbedder, batch: Int, json: Bool) {
        self.embedder = embedder
        self.batch = batch
        self.json = json
    }

    /// Writes the embeddings of the next lines.
    mutating func write(_ part: [String]) throws {
        let embeddings: [TextEmbedder.Embedding]
        do { embeddings = try embedder.embed(part, batchSize: batch) } catch let error as EmbeddingError {
            throw moved(error)
        }
        truncated += embeddings.count(where: \.isTruncated)
        lines += part.count
        var text = ""
        for embedding in embeddings {
            let numbers = embedding.values.map(\.description).joined(separator: json ? "," : " ")
            text += json ? "[\(numbers)]\n" : numbers + "\n"
        }
        try gpt.write(text)
    }

    /// The error with the number of the line in the whole text.
    private func moved(_ error: EmbeddingError) -> EmbeddingError {
        switch error {
        case .emptyText(let number): .emptyText(number: lines + number)
        case .notFinite(let number): .notFinite(number: lines + number)
        case .unknownType: error
        }
    }
}
