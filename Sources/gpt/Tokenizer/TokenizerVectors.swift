import Files
import GPTKit
import StrictJSON

/// A file of vectors: lines with a text to encode or ids to decode, or the steps of a trainer.
struct TokenizerVectors {
    private enum Content {
        case lines([(number: Int, json: JSON)])
        /// Steps: left, right, new id and count; `rule` says whose.
        case steps(rule: String, size: Int, corpus: String, [[Int]])
    }

    private let content: Content
    /// Where the text of a trainer is; nil for tiny Shakespeare.
    private let text: String?

    init(_ path: String, text: String?) throws {
        self.text = text
        let bytes = try TextFile.bytes(path)
        func failure(_ reason: String) -> CommandFailure { CommandFailure("\(path): \(reason)") }
        if let whole = try? JSON(parsing: bytes), let steps = whole["merges"]?.arrayValue {
            guard let rule = whole["rule"]?.stringValue, let size = whole["vocab_size"]?.intValue,
                let corpus = whole["corpus"]?.stringValue
            else { throw failure("it has merges, but no rule, vocab_size and corpus") }
            let numbers = steps.map { $0.arrayValue?.prefix(4).compactMap(\.intValue) ?? [] }
            content = .steps(rule: rule, size: size, corpus: corpus, numbers)
            return
        }
        let lines = try bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
            // An empty line is none, with whatever ending.
            .filter { $0.element.contains { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 } }
            .map { index, line in
                do { return (number: index + 1, json: try JSON(parsing: Array(line))) } catch {
                    throw failure("line \(index + 1) is not JSON: \(error)")
                }
            }
        guard let first = lines.first else { throw failure("it is empty") }
        guard first.json["rank"] != nil, first.json["ids"] == nil else {
            content = .lines(lines)
            return
        }
        let settings = try JSON(parsing: TextFile.bytes(Files.parent(of: path) + "/settings.json"))
        guard let corpus = settings["corpus"]?.stringValue, let size = settings["trainer"]?["vocab_size"]?.intValue
        else {
            throw failure("the settings.json in the same directory has no corpus and vocab_size")
        }
        content = .steps(
            rule: "hf", size: size, corpus: corpus,
            lines.map { line in ["left", "right", "new", "count"].compactMap { line.json[$0]?.intValue } })
    }

    /// Checks all vectors, telling of each where it is and what became of it.
    func check(
        _ shelf: inout TokenizerShelf, report: (_ place: String, _ outcome: VectorOutcome) throws -> Void
    ) throws {
        switch content {
        case .steps(let rule, let size, let corpus, let steps):
            try checkTraining(rule, size, corpus, steps, report: report)
        case .lines(let lines):
            for (number, json) in lines {
                let name = json["encoding"]?.stringValue
                let kind = [name, json["kind"]?.stringValue].compactMap { $0 }.joined(separator: ", ")
                let place = "line \(number)" + (kind.isEmpty ? "" : " (\(kind))")
                switch shelf.tokenizer(name) {
                case .failure(let missing as TokenizerShelf.Missing): try report(place, .skipped(missing.description))
                case .failure(let error): try report(place, .failed("\(error)"))
                case .success(let tokenizer): try report(place, Self.check(json, tokenizer))
                }
            }
        }
    }

    // MARK: Training

    private func checkTraining(
        _ rule: String, _ size: Int, _ corpus: String, _ steps: [[Int]],
        report: (String, VectorOutcome) throws -> Void
    ) throws {
        func skip(_ reason: String) throws {
            for number in steps.indices { try report("step \(number)", .skipped(reason)) }
        }
        guard let convention = BPETrainer.Convention(rawValue: rule) else {
            let known = BPETrainer.Convention.allCases.map(\.rawValue).joined(separator: ", ")
            return try skip("unknown trainer \(escaped(rule)); known are \(known)")
        }
        guard let source = try? text.map({ try TextFile.read($0) }) ?? TinyShakespeare.kept() else {
            return try skip("the training text is missing; give it with --text")
        }
        var pieces = PretokenCounter()
        pieces.add(Self.part(of: source, corpus), splitBy: .gpt2)
        let result: BPETrainer.Result?
        do {
            result = try BPETrainer(vocabularySize: size, convention: convention).train(pieces)
        } catch { return try report("vocab_size", .failed("\(error)")) }
        for (number, step) in steps.enumerated() {
            var own: [Int] = []
            if let result, result.merges.indices.contains(number) {
                let merge = result.merges[number]
                own = [Int(merge.left), Int(merge.right), Int(merge.result), result.counts[number]]
            }
            try report(
                "step \(number)", own == step ? .passed : .failed("left, right, new, count are \(own), not \(step)"))
        }
    }

    /// As much of a text as the description of a corpus says, by a number before the word "characters".
    private static func part(of text: String, _ corpus: String) -> String {
        let words = corpus.split(separator: " ")
        guard let index = words.firstIndex(where: { $0.hasPrefix("characters") }), index > 0,
            let count = Int(words[index - 1])
        else { return text }
        return String(text.unicodeScalars.prefix(count))
    }

    // MARK: Lines

    private static func check(_ json: JSON, _ tokenizer: any Tokenizer) -> VectorOutcome {
        guard let ids = json["ids"]?.arrayValue?.map({ $0.intValue.flatMap(Int32.init(exactly:)) ?? -1 }) else {
            return .failed("it has no ids")
        }
        do {
            if json["bytes_hex"] != nil || json["error"] != nil { return try checkDecoding(json, ids, tokenizer) }
            guard let text = json["text"]?.stringValue else { return .failed("it has no text") }
            return try checkEncoding(json, text, ids, tokenizer)
        } catch {
            return .failed("\(error)")
        }
    }

    private static func checkEncoding(
        _ json: JSON, _ text: String, _ ids: [Int32], _ tokenizer: any Tokenizer
    ) throws -> VectorOutcome {
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
        if tokenizer.normalization == .none, try tokenizer.bytes(of: own) != Array(text.utf8) {
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

    private static func checkDecoding(_ json: JSON, _ ids: [Int32], _ tokenizer: any Tokenizer) throws -> VectorOutcome
    {
        guard case .bytePairs(let tokenizer) = tokenizer.form else {
            return .skipped("only BPE tokenizers are checked for strict decoding")
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
                specialSpelling(of: id, tokenizer).map { decoder.finish() + $0 } ?? decoder.append(id)
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

    private static func short(_ ids: [Int32]) -> String {
        "[" + ids.prefix(12).map(String.init).joined(separator: ", ") + (ids.count > 12 ? ", ... \(ids.count)]" : "]")
    }

    private static func short(_ text: String) -> String {
        let scalars = text.unicodeScalars
        return "\"" + String(String.UnicodeScalarView(scalars.prefix(40))) + (scalars.count > 40 ? "...\"" : "\"")
    }
}
