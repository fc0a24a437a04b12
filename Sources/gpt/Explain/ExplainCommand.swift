import ArgumentParser
import Files
import GPTKit
import Page

/// `gpt explain`: shows what a model computes for a text.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what a model computes for a text: surprise, layers and heads.",
        discussion: """
            For each token of the text the command shows how surprising it is, -log2 p in bits, and the most probable tokens. \
            The logit lens shows what the model would predict after each layer. The table of heads shows what each head attends \
            to: the token before, the first token, or the token after an earlier occurrence of the same token (an induction \
            head). --layer and --head show the attention of one head as a map.

              gpt explain model --prompt "ROMEO: Ro"
              gpt explain model --prompt "ROMEO: Ro" --layer 1 --head 2
              gpt explain model --prompt "ROMEO: Ro" --html romeo.html
              echo "A joy to watch." | gpt explain reviews
              gpt explain dates --prompt "the third of March, 1998"

            For a classifier the command prints the probabilities of its labels, and for a masked language model the most probable \
            tokens at each position (--prompt "the [MASK] sat"). For a translator it translates the prompt by greedy search, and \
            shows to which tokens of the prompt each token of the translation attends. In tables a space is written as \
            \u{B7}. With --json or --html a file is written in place of the report.
            """)

    @Argument(
        help: ArgumentHelp(
            "The model: a directory written by 'gpt train', a GPT-2, Llama, Qwen3, BERT or Marian directory in the format of "
                + "Hugging Face's transformers, or a GGUF file.",
            valueName: "model"))
    var model: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The text; \\n is a newline, \\t a tab, \\\\ a backslash; - for standard input.", valueName: "text"))
    var prompt: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Token ids in place of a text, with commas or spaces between them.", valueName: "ids"))
    var ids: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of probable tokens at each position, 1 to 100.", valueName: "number"))
    var top = 5

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With --head, show the attention of a head of this layer, counted from 0. (default: no map; for a translator "
                + "that of a head of cross-attention)",
            valueName: "number"))
    var layer: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("The head, counted from 0.", valueName: "number"))
    var head: Int?

    @Option(
        help: ArgumentHelp(
            "Write the explanation to this file in JSON, with the attention patterns of all heads under the names of "
                + "TransformerLens (blocks.0.attn.hook_pattern).",
            valueName: "file"))
    var json: String?

    @Flag(help: "Include the residual streams in the JSON file (blocks.0.hook_resid_pre).")
    var hidden = false

    @Option(
        help: ArgumentHelp("Write a page that shows the explanation, for any browser, to this file.", valueName: "file")
    )
    var html: String?

    @OptionGroup var encoding: EncodingOptions
    @OptionGroup var replacement: ReplacementOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws {
        try requireNames(model)
        try requireName(json)
        try requireName(html)
        if prompt != nil, ids != nil { throw ValidationError("Give either --prompt or --ids, not both.") }
        if !(1...100).contains(top) { throw ValidationError("--top is \(top); it must be between 1 and 100.") }
        if (layer == nil) != (head == nil) { throw ValidationError("Give --layer and --head together.") }
        for (name, value) in [("--layer", layer), ("--head", head)] {
            if let value, value < 0 { throw ValidationError("\(name) is \(value); it must be 0 or more.") }
        }
        if layer != nil, json != nil || html != nil {
            throw ValidationError("--json and --html have the attention of all heads: leave out --layer and --head.")
        }
        if hidden, json == nil { throw ValidationError("--hidden applies to --json: leave it out, or give a file.") }
        _ = try givenIDs()
    }

    func run() throws {
        try reportingFailures {
            let text = ids == nil ? try readText() : ""
            try execution.execute(with: precision) {
                let saved = try files.load(model, precision, replacement)
                let explainer = try Explainer(saved)
                let input = try input(text, explainer, saved)
                let writes = json != nil || html != nil
                let settings = ExplanationSettings(
                    top: top, lensTop: writes ? max(5, top) : top, patterns: writes ? .all : .none, keepsHidden: hidden)
                let map = try layer.map { try attention(of: input, explainer, layer: $0) }
                let explanation = try explainer.explain(input, settings)
                if writes { return try writeFiles(explanation) }
                var sections = ExplanationReport(
                    explanation: explanation, colours: .ofOutput, top: top
                ).sections
                if let section = try map ?? alignment(explanation, explainer, input) {
                    sections.append(section(explanation))
                }
                try writeLine(sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n"))
            }
        }
    }

    // MARK: Input

    private func readText() throws -> String {
        if let prompt, prompt != "-" { return unescaped(prompt) }
        guard prompt == "-" || inputIsGiven else {
            throw CommandFailure("there is no text; give one with --prompt, or through a pipe")
        }
        // A script can pass on its own open pipe by accident.
        if prompt == nil, !inputArrives(within: 1000) {
            note("Waiting for the text on standard input; use --prompt to give it on the command line.")
        }
        return try TextFile.readText("-", allowingEmpty: true, for: .encoding) { note($0) }
    }

    /// The ids of --ids; nil without that option.
    private func givenIDs() throws -> [Int32]? {
        try ids?.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { word in
            guard let id = Int32(word) else {
                throw ValidationError("--ids has '\(escaped(String(word)))', which is not a token id.")
            }
            return id
        }
    }

    private func input(_ text: String, _ explainer: Explainer, _ saved: SavedModel) throws -> Explainer.Input {
        if let ids = try givenIDs() { return Explainer.Input(ids) }
        let tokenizer = try saved.tokenizer
        var textEncoding = TextEncoding(tokenizer, roles: saved.description.roles)
        if explainer.model.neural != nil {
            textEncoding.special = encoding.special.policy
            textEncoding.addsTemplate = !encoding.noTemplate
            encoding.remark(on: text, called: "The text", textEncoding)
        } else if encoding.special != .text || encoding.noTemplate {
            throw CommandFailure(
                "\(encoding.noTemplate ? "--no-template" : "--special") applies to language models, and \(model) is of another "
                    + "kind; leave it out")
        }
        return try replacement.suggesting {
            try explainer.encode(text, with: tokenizer, encoding: textEncoding, replacing: replacement.scalar)
        }
    }

    // MARK: Output

    private typealias Section = (Explanation) -> [String]

    /// The section with the map of the requested head.
    private func attention(of input: Explainer.Input, _ explainer: Explainer, layer: Int) throws -> Section {
        let kind: AttentionKind = explainer.model.encoderDecoder == nil ? .own : .cross
        let map = try explainer.attention(layer: layer, kind, of: input), head = head ?? 0
        guard head < map.heads else { throw ExplanationError.noHead(head, count: map.heads) }
        return { Self.section(map, kind, layer: layer, head: head, $0) }
    }

    /// For a translator, the section with the head of cross-attention that decides most clearly; nil for others.
    private func alignment(
        _ explanation: Explanation, _ explainer: Explainer, _ input: Explainer.Input
    ) throws -> Section? {
        guard let translator = explainer.model.encoderDecoder else { return nil }
        var input = input
        input.target = explanation.target.map(\.id)
        var best: (map: AttentionMap, layer: Int, head: Int, clarity: Double)?
        for layer in translator.decoderBlocks.indices {
            let map = try explainer.attention(layer: layer, .cross, of: input)
            for head in 0..<map.heads {
                let clarity = (0..<map.queries).reduce(0.0) { sum, query in
                    sum + ((0..<map.keys).map { map[head, query, $0] }.max() ?? 0)
                }
                if clarity > best?.clarity ?? 0 { best = (map, layer, head, clarity) }
            }
        }
        return best.map { best in { Self.section(best.map, .cross, layer: best.layer, head: best.head, $0) } }
    }

    private static func section(
        _ map: AttentionMap, _ kind: AttentionKind, layer: Int, head: Int, _ explanation: Explanation
    ) -> [String] {
        let queries = kind == .cross ? explanation.target : explanation.tokens
        let title =
            kind == .cross
            ? "Cross-attention of layer \(layer), head \(head): the rows are the translation, the columns the source."
            : "Attention of layer \(layer), head \(head): each row is a position, and its columns are what it attends to."
        return [title] + HeadMap(map: map, head: head, queries: queries, keys: explanation.tokens).lines
    }

    private func writeFiles(_ explanation: Explanation) throws {
        if let json {
            let details: Set<Explanation.Detail> = hidden ? [.patterns, .hidden] : [.patterns]
            try AtomicFile.replace(at: json) { file in
                try explanation.write(model: model, including: details) { try file.write($0) }
            }
            note("Wrote \(json).")
        }
        if let html {
            let data = explanation.json(model: model, including: [.packedPatterns]).serialized()
            try AtomicFile.write(Page.html(explanation: data), to: html)
            note("Wrote \(html): open it in a browser.")
        }
    }
}
