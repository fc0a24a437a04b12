import StrictJSON
import Tokenizers

/// A `tokenizer.json` with the 256 bytes in the order of their characters, the merges `t h`, `th e` and `\u{120} the`, and added
/// tokens after them.
struct TokenizerJSON {
    var preTokenizer: JSON = byteLevel(prefix: false)
    var normalizer: JSON = .null
    var postProcessor: JSON = .null
    var added: [(text: String, flags: [String])] = []
    /// Members that are added to the file, and to its model.
    var members: [String: JSON] = [:]
    var modelMembers: [String: JSON] = [:]

    static func byteLevel(prefix: Bool, usesExpression: Bool = true) -> JSON {
        [
            "type": "ByteLevel", "add_prefix_space": .bool(prefix), "trim_offsets": false,
            "use_regex": .bool(usesExpression),
        ]
    }

    /// A `Split` by an expression, then `ByteLevel` without its own.
    static func split(_ expression: String, prefix: Bool = false) -> JSON {
        let split: JSON = [
            "type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false,
        ]
        return ["type": "Sequence", "pretokenizers": [split, byteLevel(prefix: prefix, usesExpression: false)]]
    }

    /// Llama 3's expression.
    static let llama3 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
        + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The tokens by id, without those that are added.
    static let tokens: [String] = {
        let visible = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
        let symbols = (visible + Array(0x100...0x143)).compactMap { Unicode.Scalar($0).map { String($0) } }
        return symbols + ["th", "the", "\u{120}the"]
    }()

    var json: JSON {
        let tokens = Self.tokens
        let added: [JSON] = added.enumerated().map { index, token in
            var object = JSONObject()
            object["id"] = .int(tokens.count + index)
            object["content"] = .string(token.text)
            for flag in ["single_word", "lstrip", "rstrip", "normalized", "special"] {
                object[flag] = .bool(token.flags.contains(flag))
            }
            return .object(object)
        }
        var model = JSONObject()
        model["type"] = "BPE"
        model["vocab"] = .object(JSONObject(tokens.enumerated().map { ($1, JSON.int($0)) }))
        model["merges"] = [["t", "h"], ["th", "e"], ["\u{120}", "the"]]
        for (key, value) in modelMembers { model[key] = value }
        var object = JSONObject()
        object["version"] = "1.0"
        object["added_tokens"] = .array(added)
        object["normalizer"] = normalizer
        object["pre_tokenizer"] = preTokenizer
        object["post_processor"] = postProcessor
        object["decoder"] = ["type": "ByteLevel"]
        object["model"] = .object(model)
        for (key, value) in members { object[key] = value }
        return .object(object)
    }

    func read() throws -> BPETokenizer {
        let bytes = Array(json.serialized().utf8)
        guard let tokenizer = try TokenizerFile.tokenizer(from: bytes, file: "t.json") as? BPETokenizer else {
            throw TokenizerError.vocabulary("it is of another kind")
        }
        return tokenizer
    }
}

extension BPETokenizer {
    /// This tokenizer, written to a file and read again.
    func written() throws -> BPETokenizer {
        let contents = try TokenizerFile.contents(for: self)
        guard let read = try TokenizerFile.tokenizer(from: Array(contents.utf8)) as? BPETokenizer else {
            throw TokenizerError.vocabulary("it is of another kind")
        }
        return read
    }
}
