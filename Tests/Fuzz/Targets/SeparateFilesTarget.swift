import StrictJSON
import TestSupport
import Tokenizers

/// The files of a tokenizer without a `tokenizer.json`, which an input has one after the other with a zero byte between them:
/// each error is one line and names one of them.
struct SeparateFilesTarget: FuzzTarget {
    let name = "separate-files"
    private let mutator: Mutator

    private static let names = SeparateTokenizerFiles.requiredNames + SeparateTokenizerFiles.optionalNames

    init() {
        let symbols = ByteSymbols.scalars.map { String($0) } + ["th", "<|endoftext|>"]
        let files: [String] = [
            JSON.object(JSONObject(symbols.enumerated().map { ($1, .int($0)) })).serialized(),
            "#version: 0.2\nt h\n",
            #"{"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": true, "add_bos_token": true, "bos_token": "<b>"}"#,
            #"{"eos_token": {"content": "<e>", "lstrip": true}, "additional_special_tokens": ["<x>"]}"#,
            #"{"<b>": 258, "<y>": 259}"#,
        ]
        let sample = Array(files.map { Array($0.utf8) }.joined(separator: [0]))
        let words = [
            "null", "true", "\"", "{", "}", "[", "]", ",", ":", "GPT2Tokenizer", "added_tokens_decoder", "t h\n", " ",
        ]
        mutator = Mutator([sample], words: words.map { Array($0.utf8) } + Mutator.numbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let parts = input.split(separator: 0, maxSplits: Self.names.count - 1, omittingEmptySubsequences: false)
        var contents: [String: [UInt8]] = [:]
        for (name, part) in zip(Self.names, parts) { contents[name] = Array(part) }
        let files = SeparateTokenizerFiles(contents, directory: "a", modelType: "gpt2")
        let tokenizer: any Tokenizer
        do { tokenizer = try files.tokenizer() } catch {
            try demandOneLine(error)
            return try demand(error.description.hasPrefix("a/"), "the error does not name a file: \(error)")
        }
        try demandSense(tokenizer)
    }
}
