import StrictJSON
import TestSupport
import Tokenizers

/// The files of a tokenizer without a `tokenizer.json`, which an input has one after the other with a zero byte between them:
/// each error is one line and names one of them.
struct SeparateFilesTarget: FuzzTarget {
    let name: String
    private let mutator: Mutator

    private let names: [String]

    private static let optional = [
        #"{"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": true, "add_bos_token": true, "bos_token": "<b>"}"#,
        #"{"eos_token": {"content": "<e>", "lstrip": true}, "additional_special_tokens": ["<x>"]}"#,
        #"{"<b>": 258, "<y>": 259}"#,
    ]

    /// Byte pairs: `vocab.json` and `merges.txt`.
    static var bytePairs: Self {
        let symbols = ByteSymbols.scalars.map { String($0) } + ["th", "<|endoftext|>"]
        let vocabulary = JSON.object(JSONObject(symbols.enumerated().map { ($1, .int($0)) })).serialized()
        return Self("separate-files", required: 0, [vocabulary, "#version: 0.2\nt h\n"] + optional)
    }

    /// WordPiece: `vocab.txt`.
    static var wordPiece: Self {
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab", "a", "##b", "##c", "the", "#", ""]
        let configuration =
            #"{"tokenizer_class": "BertTokenizer", "do_lower_case": false, "strip_accents": null, "unk_token": "[UNK]"}"#
        return Self(
            "wordpiece-files", required: 1,
            [tokens.joined(separator: "\n"), configuration, optional[1], #"{"Foo": 12}"#])
    }

    private init(_ name: String, required: Int, _ files: [String]) {
        self.name = name
        names = SeparateTokenizerFiles.requiredNames[required] + SeparateTokenizerFiles.optionalNames
        let sample = Array(files.map { Array($0.utf8) }.joined(separator: [0]))
        let words = [
            "null", "true", "\"", "{", "}", "[", "]", ",", ":", "GPT2Tokenizer", "BertTokenizer",
            "added_tokens_decoder",
            "t h\n", "##", "\r", " ",
        ]
        mutator = Mutator([sample], words: words.map { Array($0.utf8) } + Mutator.numbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let parts = input.split(separator: 0, maxSplits: names.count - 1, omittingEmptySubsequences: false)
        var contents: [String: [UInt8]] = [:]
        for (name, part) in zip(names, parts) { contents[name] = Array(part) }
        let type = names.contains("vocab.txt") ? "bert" : "gpt2"
        let files = SeparateTokenizerFiles(contents, directory: "a", modelType: type)
        let tokenizer: any Tokenizer
        do { tokenizer = try files.tokenizer() } catch {
            try demandOneLine(error)
            return try demand(error.description.hasPrefix("a/"), "the error does not name a file: \(error)")
        }
        try demandSense(tokenizer)
    }
}
