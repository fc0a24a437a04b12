import StrictJSON
import Tokenizers

extension TokenizerVector {
    /// Compares the ids and types of a `text`, or of it and a `pair`, in the template, with at most `maximum_length` ids; and the
    /// text that the ids are `decoded` to, with special tokens and without.
    func checkSequence(_ ids: [Int32], _ tokenizer: any Tokenizer) throws -> VectorOutcome {
        guard let text = json["text"]?.stringValue else { return .failed("it has no text") }
        let limit = json["maximum_length"]?.intValue
        let own =
            try json["pair"]?.stringValue.map {
                try tokenizer.encodePair(text, $0, maximumLength: limit, special: .allowed)
            } ?? tokenizer.encodeSequence(text, maximumLength: limit, special: .allowed)
        guard own.ids == ids else { return .failed("\(short(text)): the ids are \(short(own.ids)), not \(short(ids))") }
        guard JSON.array(own.typeIDs.map { .int(Int($0)) }) == json["type_ids"] else {
            return .failed("\(short(text)): the types of the ids are \(short(own.typeIDs))")
        }
        for (key, isSpelled) in [("decoded", true), ("decoded_without_special", false)] {
            guard let expected = json[key] else { continue }
            let decoded = tokenizer.decode(ids, spellingSpecialTokens: isSpelled)
            guard JSON.string(decoded) == expected else {
                return .failed("\(short(ids)): the text is \(short(decoded))")
            }
        }
        return .passed
    }
}
