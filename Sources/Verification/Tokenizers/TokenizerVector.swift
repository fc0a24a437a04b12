import StrictJSON
import Tokenizers

/// One line of a file of test vectors (`TokenizerVectors`).
struct TokenizerVector {
    let json: JSON

    init(_ json: JSON) { self.json = json }

    /// Compares the vector with what a tokenizer computes.
    func check(_ tokenizer: any Tokenizer) -> VectorOutcome {
        guard let ids = json["ids"]?.arrayValue?.map({ $0.intValue.flatMap(Int32.init(exactly:)) ?? -1 }) else {
            return .failed("it has no ids")
        }
        do {
            if json["type_ids"] != nil { return try checkSequence(ids, tokenizer) }
            if json["bytes_hex"] != nil || json["error"] != nil { return try checkDecoding(ids, tokenizer) }
            guard let text = json["text"]?.stringValue else { return .failed("it has no text") }
            return try checkEncoding(text, ids, tokenizer)
        } catch {
            return .failed("\(error)")
        }
    }

    private func checkEncoding(_ text: String, _ ids: [Int32], _ tokenizer: any Tokenizer) throws -> VectorOutcome {
        guard case .bytePairs(let tokenizer) = tokenizer.form else {
            let own = try tokenizer.encode(text)
            return own == ids ? .passed : .failed("the ids are \(short(own)), not \(short(ids))")
        }
        let policy: SpecialTokenPolicy
        if let names = json["allowed_special"]?.arrayValue {
            let allowed = names.compactMap(\.stringValue)
            policy = SpecialTokenPolicy(allowed: allowed.isEmpty ? .none : .some(Set(allowed)), refused: .none)
        } else {
            policy = .allowed
        }
        let own = try tokenizer.encode(text, special: policy)
        guard own == ids else { return .failed("\(short(text)): the ids are \(short(own)), not \(short(ids))") }
        let count = try tokenizer.count(text, special: policy)
        guard count == ids.count else { return .failed("\(count) ids are counted, not \(ids.count)") }
        if tokenizer.normalization == .none, tokenizer.prefixSpace == .none,
            try tokenizer.bytes(of: own) != Array(text.utf8)
        {
            return .failed("\(short(text)): decoding the ids gives another text")
        }
        let offsets = try tokenizer.encodeWithOffsets(text, special: policy)
        guard offsets.map(\.id) == ids else { return .failed("\(short(text)): encoding with offsets gives other ids") }
        if let tokens = json["tokens"]?.arrayValue {
            let spelled = own.map { tokenizer.symbols(of: $0) }
            guard JSON.array(spelled.map(JSON.string)) == .array(tokens) else {
                return .failed("\(short(text)): the tokens are spelled \(spelled)")
            }
        }
        if let expected = json["offsets"]?.arrayValue {
            let own = JSON.array(
                offsets.map { .array([.int($0.scalars.lowerBound), .int($0.scalars.upperBound)]) })
            guard own == .array(expected) else { return .failed("\(short(text)): the offsets are \(own.serialized())") }
        }
        return .passed
    }

    private func checkDecoding(_ ids: [Int32], _ tokenizer: any Tokenizer) throws -> VectorOutcome {
        guard case .bytePairs(let tokenizer) = tokenizer.form else {
            return .skipped(.noStrictDecoding)
        }
        if json["error"] != nil {
            return (try? tokenizer.bytes(of: ids)) == nil
                ? .passed : .failed("the ids \(short(ids)) are decoded, although one of them is invalid")
        }
        let bytes = try tokenizer.bytes(of: ids)
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard digits == json["bytes_hex"]?.stringValue else { return .failed("\(short(ids)): the bytes are \(digits)") }
        if let text = json["text"] {
            guard try JSON.string(tokenizer.text(of: ids)) == text else {
                return .failed("\(short(ids)): the text differs")
            }
            var decoder = StreamingDecoder(tokenizer)
            var streamed = ids.map { id in
                tokenizer.specialToken(id).map { decoder.finish() + $0.text } ?? decoder.append(id)
            }
            streamed.append(decoder.finish())
            guard .string(streamed.joined()) == text else {
                return .failed("\(short(ids)): the text differs in streaming decoding")
            }
        }
        if let expected = json["offsets"]?.arrayValue {
            let own = try JSON.array(tokenizer.offsets(of: ids).map { .int($0.scalars.lowerBound) })
            guard own == .array(expected) else { return .failed("\(short(ids)): the offsets are \(own.serialized())") }
        }
        return .passed
    }

    func short(_ ids: [Int32]) -> String {
        "[" + ids.prefix(12).map(String.init).joined(separator: ", ") + (ids.count > 12 ? ", ... \(ids.count)]" : "]")
    }

    func short(_ text: String) -> String {
        let scalars = text.unicodeScalars
        return "\"" + String(String.UnicodeScalarView(scalars.prefix(40))) + (scalars.count > 40 ? "...\"" : "\"")
    }
}
