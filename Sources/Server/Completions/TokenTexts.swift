import Inference
import StrictJSON
import Tokenizers

/// How tokens are shown to clients.
struct TokenTexts: Sendable {
    private let tokenizer: any Tokenizer

    init(_ tokenizer: any Tokenizer) { self.tokenizer = tokenizer }

    /// The bytes of a token.
    func bytes(_ id: Int32) -> [UInt8] {
        tokenizer.decodedBytes(of: id, isFirst: false, spellingSpecialTokens: true) ?? []
    }

    /// The text of a token; where it is not whole characters, `bytes:\xe2\x80`, as in OpenAI's API.
    func text(_ id: Int32) -> String {
        let bytes = bytes(id)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "bytes:" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The text of a token, or the list of its bytes where it is not whole characters.
    func piece(_ id: Int32) -> JSON {
        let bytes = bytes(id)
        return String(validating: bytes, as: UTF8.self).map(JSON.string) ?? .array(bytes.map { .int(Int($0)) })
    }
}
