import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt tokenizer info`: describes a vocabulary, and shows how it splits a text.
struct TokenizerInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show the vocabulary and merges of a tokenizer, and how it splits a sentence.",
        discussion: """
              gpt tokenizer info gpt2
              gpt tokenizer info mine --merges 100 --sentence "Hello, world"
            """)

    @Argument(help: tokenizerHelp) var tokenizer: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The sentence to split; \\n is a newline, \\t a tab, \\\\ a backslash. (default: a sentence with letters, digits "
                + "and symbols)",
            valueName: "text"))
    var sentence: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of merges to show, from the first, 0 or more.", valueName: "number"))
    var merges = 12

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws {
        if merges < 0 { throw ValidationError("--merges is \(merges); it must be 0 or more.") }
        try requireTokenizer(tokenizer)
    }

    func run() throws {
        try reportingFailures {
            let tokenizer = try loadTokenizer(tokenizer)
            var pairs: BPETokenizer?
            if case .bytePairs(let tokenizer) = tokenizer.form { pairs = tokenizer }
            let learnt = pairs?.vocabulary.merges ?? []
            let (text, missing) = sentence.map { (unescaped($0), "") } ?? example(for: tokenizer)
            let ids = try tokenizer.encodeOrdinary(text)
            for line in aligned(rows(tokenizer, learnt), left: [0, 1]) { try writeLine(line) }
            if let pairs, merges > 0, !learnt.isEmpty {
                try writeLine("\nmerges in training order:")
                try describe(learnt, pairs)
            }
            try writeLine("\n\(counted(ids.count, "token")) for \(counted(text.unicodeScalars.count, "character")):")
            try writeLine(cut(ids, tokenizer))
            if !missing.isEmpty {
                try writeLine("(omitted, because they are not in its alphabet: \(escaped(missing)))")
            }
            if let pairs { try describeAssembly(of: ids, pairs, learnt) }
            if json { try writeLine(object(tokenizer, learnt, text, ids).serialized()) }
        }
    }

    /// An example sentence of letters, digits and several kinds of signs, without the characters that the tokenizer
    /// does not support, and these characters.
    private func example(for tokenizer: any Tokenizer) -> (text: String, missing: String) {
        let sentence = "The quick brown fox doesn't jump over 12345 lazy dogs, über-naïve café owls or 漢字 🙂."
        guard let characters = tokenizer.supportedCharacters else { return (sentence, "") }
        let known = Set(characters)
        var text = String.UnicodeScalarView(), missing = String.UnicodeScalarView()
        for scalar in sentence.unicodeScalars {
            if known.contains(scalar) {
                text.append(scalar)
            } else if !missing.contains(scalar) {
                missing.append(scalar)
            }
        }
        return (String(text), String(missing))
    }

    private func rows(_ tokenizer: any Tokenizer, _ learnt: [Merge]) -> [[String]] {
        var rows = [["tokenizer", "\(self.tokenizer): \(tokenizer.kind)"]]
        rows.append(["vocabulary", counted(tokenizer.vocabularySize, "id")])
        if let characters = tokenizer.supportedCharacters { rows.append(["alphabet", shortAlphabet(characters)]) }
        if case .wordPiece(let tokenizer) = tokenizer.form { return rows + wordPieceRows(tokenizer) }
        guard case .bytePairs(let tokenizer) = tokenizer.form else { return rows }
        let vocabulary = tokenizer.vocabulary
        rows.append([
            "tokens", "\(grouped(vocabulary.count)): 256 bytes and \(counted(vocabulary.count - 256, "merged token"))",
        ])
        rows.append(["merges", grouped(learnt.count)])
        rows.append(["pre-tokens", tokenizer.pattern.words])
        rows.append(["special", Self.list(tokenizer.specialTokens)])
        let ids = (0..<Int32(vocabulary.idCount)).map { ($0, vocabulary.bytes(of: $0).count) }
        let longest = ids.sorted { ($0.1, $1.0) > ($1.1, $0.0) }.prefix(4).map { short(spelling(of: $0.0, tokenizer)) }
        rows.append(["longest", longest.joined(separator: ", ")])
        return rows
    }

    static func list(_ special: [SpecialToken]) -> String {
        if special.isEmpty { return "none" }
        let names = special.prefix(6).map { "\(escaped($0.text)) (\($0.id))" }.joined(separator: ", ")
        return names + (special.count > 6 ? ", ... \(special.count)" : "")
    }

    private func short(_ text: String) -> String { text.count > 40 ? text.prefix(36) + "...\"" : text }

    private func describe(_ learnt: [Merge], _ tokenizer: BPETokenizer) throws {
        let rows = learnt.prefix(merges).enumerated().map { number, merge in
            [
                "\(number + 1)", spelling(of: merge.left, tokenizer), "+", spelling(of: merge.right, tokenizer), "=",
                spelling(of: merge.result, tokenizer), "\(merge.result)",
            ]
        }
        for line in aligned(rows, left: [1, 2, 3, 4, 5], indentation: 2) { try writeLine(line) }
        if learnt.count > merges { try writeLine("  ... and \(counted(learnt.count - merges, "more", "more"))") }
    }

    /// The tokens of a text: with alternating background colours on a terminal, otherwise separated by bars.
    private func cut(_ ids: [Int32], _ tokenizer: any Tokenizer) -> String {
        let colours = [45, 42, 43, 44, 41, 46]
        var line = ""
        for (number, id) in ids.enumerated() {
            let bytes = tokenizer.bytes(of: id)
            // A word without tokens is the special token for unknown words.
            let spelled = specialSpelling(of: id, tokenizer) ?? String(validating: bytes, as: UTF8.self)
            let text = spelled.map(escaped) ?? hexadecimal(bytes)
            if outputIsTerminal {
                line += "\u{1B}[30;\(colours[number % colours.count])m\(text)\u{1B}[0m"
            } else {
                line += (number > 0 ? "|" : "") + text
            }
        }
        return line
    }

    /// Prints the merges that form the longest token of the text.
    private func describeAssembly(of ids: [Int32], _ tokenizer: BPETokenizer, _ learnt: [Merge]) throws {
        let longest = ids.max { tokenizer.bytes(of: $0).count < tokenizer.bytes(of: $1).count }
        guard let longest, tokenizer.bytes(of: longest).count > 2 else { return }
        var rankOfPair: [Pair: Int] = [:]
        for (rank, merge) in learnt.enumerated() { rankOfPair[Pair(left: merge.left, right: merge.right)] = rank }
        var parts = tokenizer.bytes(of: longest).map { tokenizer.vocabulary.byteIDs[Int($0)] }
        var lines = [parts]
        while parts.count > 1 {
            let ranks = zip(parts, parts.dropFirst()).map { rankOfPair[Pair(left: $0, right: $1)] ?? .max }
            guard let best = ranks.min(), best < .max, let place = ranks.firstIndex(of: best) else { break }
            parts[place] = learnt[best].result
            parts.remove(at: place + 1)
            lines.append(parts)
        }
        guard parts == [longest] else { return }
        try writeLine("\nmerge steps of \(spelling(of: longest, tokenizer)):")
        for line in lines { try writeLine("  " + cut(line, tokenizer)) }
    }

    private struct Pair: Hashable {
        var left: Int32
        var right: Int32
    }

    private func object(_ tokenizer: any Tokenizer, _ learnt: [Merge], _ text: String, _ ids: [Int32]) -> JSON {
        var object = JSONObject()
        object["kind"] = .string(tokenizer.kind)
        object["vocabulary"] = .int(tokenizer.vocabularySize)
        object["merges"] = .int(learnt.count)
        switch tokenizer.form {
        case .bytePairs, .wordPiece:
            object["special"] = .object(JSONObject(tokenizer.specialTokens.map { ($0.text, .int(Int($0.id))) }))
        case .characters, .bytes, .other: break
        }
        object["sentence"] = .string(text)
        object["ids"] = .array(ids.map { .int(Int($0)) })
        object["tokens"] = .array(ids.map { .string(String(decoding: tokenizer.bytes(of: $0), as: UTF8.self)) })
        return .object(object)
    }
}

extension SplitPattern {
    /// A description of the pattern.
    var words: String {
        switch self {
        case .gpt2: "as in GPT-2: letters, digits or symbols, each with the space before them"
        case .cl100k: "as in GPT-4 (cl100k_base): words with the symbol before them, digits in groups of three"
        case .llama3: "as in Llama 3: words with the symbol before them, digits in groups of three"
        case .qwen2: "as in Qwen: words with the symbol before them, single digits"
        case .o200k: "as in GPT-4o (o200k_base): words, also split after lowercase letters, digits in groups of three"
        case .whole: "the whole text"
        }
    }
}
