import ArgumentParser
import Files
import GPTKit
import StrictJSON

/// `gpt tokenizer encode`: encodes text to token ids.
struct TokenizerEncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode a text to token ids.",
        discussion: """
            The ids are printed on one line, separated by spaces.

              echo "Hello, world" | gpt tokenizer encode --tokenizer gpt2
              gpt tokenizer encode --tokenizer mine/tokenizer.json notes.txt --pieces
            """)

    @OptionGroup var input: InputOptions

    @Option(help: tokenizerHelp) var tokenizer: String

    @Option(help: SpecialTokenTreatment.help) var special = SpecialTokenTreatment.refuse

    @Flag(help: templateHelp) var template = false

    @Flag(help: "Print one token per line: its id and its text.")
    var pieces = false

    @Flag(help: "Print the ids as a JSON array.")
    var json = false

    func validate() throws {
        if pieces, json { throw ValidationError("Give either --pieces or --json, not both.") }
        try requireTokenizer(tokenizer)
    }

    func run() throws {
        try reportingFailures {
            let tokenizer = try loadTokenizer(tokenizer)
            var place = TextPlace()
            // Becomes true only after the first part has been encoded, so that nothing is printed for a text that is
            // rejected.
            var isBegun = false
            func print(_ ids: [Int32]) throws {
                var line = ""
                for id in ids {
                    if pieces {
                        line += "\(id)\t\(spelling(of: id, tokenizer))\n"
                    } else {
                        line += isBegun ? (json ? ",\(id)" : " \(id)") : (json ? "[\(id)" : "\(id)")
                    }
                    isBegun = true
                    if line.utf8.count > 1 << 16 {
                        try write(line)
                        line = ""
                    }
                }
                try write(line)
            }
            try TextFile.readBlocks(
                input.path("text"), allowingEmpty: true, splitPoint: tokenizer.splitPoint(in:), notice: { note($0) }
            ) { text in
                let ids = try tokenizer.encode(text, special: special, at: place)
                if template, place.bytes == 0 { try print(tokenizer.template.before) }
                place.pass(text)
                try print(ids)
            }
            if template {
                if place.bytes == 0 { try print(tokenizer.template.before) }
                try print(tokenizer.template.after)
            }
            if !pieces { try write(json ? (isBegun ? "]\n" : "[]\n") : "\n") }
        }
    }
}

/// `gpt tokenizer decode`: decodes token ids to text.
struct TokenizerDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decode token ids to text.",
        discussion: """
            The input is ids separated by spaces, commas or line breaks, or a JSON array. Bytes that are not valid UTF-8 \
            are replaced by U+FFFD.

              echo "15496 11 995" | gpt tokenizer decode --tokenizer gpt2
            """)

    @OptionGroup var input: InputOptions

    @Option(help: tokenizerHelp) var tokenizer: String

    @Flag(help: "Omit special tokens from the text.")
    var skipSpecial = false

    func validate() throws { try requireTokenizer(tokenizer) }

    func run() throws {
        try reportingFailures {
            let tokenizer = try loadTokenizer(tokenizer)
            var decoder = StreamingDecoder(tokenizer, spellingSpecialTokens: !skipSpecial)
            try TextFile.readBlocks(
                input.path("ids"), allowingEmpty: true,
                splitPoint: { bytes in bytes.lastIndex { Self.isSeparator($0) }.map { $0 + 1 } },
                notice: { _ in }
            ) { block in
                var text = ""
                for word in block.utf8.split(whereSeparator: Self.isSeparator) {
                    guard let id = Int32(String(word) ?? "") else {
                        throw CommandFailure(
                            "\"\(escaped(String(decoding: word.prefix(40), as: UTF8.self)))\" is not a token id: give numbers "
                                + "separated by spaces")
                    }
                    text += try piece(id, tokenizer, &decoder)
                    if text.utf8.count > 1 << 16 {
                        try write(text)
                        text = ""
                    }
                }
                try write(text)
            }
            try write(decoder.finish())
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        [0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]")].contains(byte)
    }

    private func piece(_ id: Int32, _ tokenizer: any Tokenizer, _ decoder: inout StreamingDecoder) throws -> String {
        guard tokenizer.decodedBytes(of: id, isFirst: true, spellingSpecialTokens: true) != nil else {
            throw TokenizerError.unknownID(id, vocabularySize: tokenizer.vocabularySize)
        }
        return decoder.append(id)
    }
}

/// `gpt tokenizer count`: counts the tokens of a text.
struct TokenizerCountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count",
        abstract: "Count the tokens of a text.",
        discussion: """
            The ids are not stored, so the text can be larger than memory.

              gpt tokenizer count --tokenizer gpt2 --tokenizer o200k notes.txt
            """)

    @OptionGroup var input: InputOptions

    @Option(parsing: .singleValue, help: tokenizerHelp)
    var tokenizer: [String]

    @Option(help: SpecialTokenTreatment.help) var special = SpecialTokenTreatment.refuse

    @Flag(help: templateHelp) var template = false

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws {
        if tokenizer.isEmpty { throw ValidationError("Give at least one tokenizer with --tokenizer.") }
        for name in tokenizer { try requireTokenizer(name) }
    }

    func run() throws {
        try reportingFailures {
            let tokenizers = try tokenizer.map(loadTokenizer)
            var counts = tokenizers.map { template ? $0.template.before.count + $0.template.after.count : 0 }
            var place = TextPlace()
            func splitPoint(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
                // The earliest split point is valid for all tokenizers: the patterns split at the same points, and
                // single characters can be split anywhere.
                let points = tokenizers.map { $0.splitPoint(in: bytes) }
                return points.contains(nil) ? nil : points.compactMap { $0 }.min()
            }
            try TextFile.readBlocks(
                input.path("text"), allowingEmpty: true, splitPoint: splitPoint, notice: { note($0) }
            ) { text in
                for (index, tokenizer) in tokenizers.enumerated() {
                    counts[index] += try tokenizer.count(text, special: special, at: place)
                }
                place.pass(text)
            }
            for (name, count) in zip(tokenizer, counts) {
                let length = fixed(Double(place.bytes) / Double(max(1, count)), 3)
                let label = tokenizers.count == 1 ? "" : "\(name): "
                try writeLine("\(label)\(counted(count, "token")), \(length) bytes per token")
            }
            if json {
                let object: JSON = [
                    "bytes": .int(place.bytes), "characters": .int(place.characters),
                    "tokens": .object(JSONObject(zip(tokenizer, counts).map { ($0, .int($1)) })),
                ]
                try writeLine(object.serialized())
            }
        }
    }
}

let tokenizerHelp = ArgumentHelp(
    "The tokenizer: a published vocabulary (\(TokenizerSpecification.publishedNames)), a tokenizer.json, a .tiktoken file, a model "
        + "directory, or byte.",
    valueName: "name")

/// The name of a special token; nil for any other token.
func specialSpelling(of id: Int32, _ tokenizer: any Tokenizer) -> String? {
    tokenizer.specialToken(id)?.text
}

/// A token for display: its text in quotation marks, its bytes if they are not complete characters, or the name of a
/// special token.
func spelling(of id: Int32, _ tokenizer: any Tokenizer) -> String {
    if let special = specialSpelling(of: id, tokenizer) { return special }
    let bytes = tokenizer.bytes(of: id)
    if let text = String(validating: bytes, as: UTF8.self) { return "\"\(escaped(text))\"" }
    return hexadecimal(bytes)
}

/// Bytes in hexadecimal, such as \xE2\x82, for tokens that are not complete characters.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
