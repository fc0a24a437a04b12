import StrictJSON

extension SpecialToken {
    /// The token in the `added_tokens` of a `tokenizer.json`.
    var json: JSON {
        [
            "id": .int(Int(id)), "content": .string(text), "single_word": .bool(isWholeWord),
            "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight), "normalized": .bool(isNormalized),
            "special": .bool(isControl),
        ]
    }
}

extension Tokenizer {
    /// The template as the `post_processor` of a `tokenizer.json`; null if it adds nothing.
    func postProcessor() throws(TokenizerError) -> JSON {
        guard template != TokenTemplate() else { return nil }
        var listed = JSONObject()
        func elements(_ parts: [TokenTemplate.Part]) throws(TokenizerError) -> JSON {
            var elements: [JSON] = []
            for part in parts {
                switch part {
                case .first(let type): elements.append(["Sequence": ["id": "A", "type_id": .int(Int(type))]])
                case .second(let type): elements.append(["Sequence": ["id": "B", "type_id": .int(Int(type))]])
                case .token(let id, let type):
                    guard let token = specialToken(id) else { throw .unwritable(kind: kind) }
                    listed[token.text] = [
                        "id": .string(token.text), "ids": [.int(Int(id))], "tokens": [.string(token.text)],
                    ]
                    elements.append(["SpecialToken": ["id": .string(token.text), "type_id": .int(Int(type))]])
                }
            }
            return .array(elements)
        }
        let single = try elements(template.single)
        let pair = try elements(template.pair)
        return [
            "type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": .object(listed),
        ]
    }
}
