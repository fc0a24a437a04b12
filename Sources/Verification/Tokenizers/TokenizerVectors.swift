import Corpus
import Files
import Interchange
import StrictJSON
import Tokenizers

/// A file of test vectors that another program made: texts to encode, ids to decode, or the merges of a trainer.
///
/// It is one of
///
/// - JSON lines, each with `ids` and either `text` (to be encoded, with `allowed_special` for the special tokens that are
///   recognised) or `bytes_hex` (the decoded bytes) or `error` (the ids are invalid); `encoding` names a published
///   vocabulary, and `tokens` and `offsets` are compared if they are there. With `type_ids` the text, and a `pair` if there is
///   one, are encoded with the template, in at most `maximum_length` ids, and `decoded` is compared;
/// - JSON lines with the merges of Hugging Face's trainer in order (`rank`, `left`, `right`, `new`, `count`), beside a
///   `settings.json` with the `corpus` and `trainer.vocab_size`;
/// - a JSON object with the `merges` of a trainer ([left, right, new, count]), its `rule`, `vocab_size` and `corpus`.
package struct TokenizerVectors {
    private enum Content {
        case lines([(number: Int, json: JSON)])
        /// Merges: left, right, new id and count.
        case merges(convention: String, vocabularySize: Int, corpus: String, [[Int]])
    }

    private let content: Content
    private let trainingText: String?

    /// Reads a file.
    /// - Parameters:
    ///   - path: the file.
    ///   - trainingText: the file with the text that merges were learnt from; nil for tiny Shakespeare.
    /// - Throws: one line that names the file and what is wrong with it.
    package init(_ path: String, trainingText: String?) throws {
        self.trainingText = trainingText
        let bytes = try TextFile.bytes(path)
        func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
        if let whole = try? JSON(parsing: bytes), let merges = whole["merges"]?.arrayValue {
            guard let rule = whole["rule"]?.stringValue, let size = whole["vocab_size"]?.intValue,
                let corpus = whole["corpus"]?.stringValue
            else { throw failure("it has merges, but no rule, vocab_size and corpus") }
            let numbers = merges.map { $0.arrayValue?.prefix(4).compactMap(\.intValue) ?? [] }
            content = .merges(convention: rule, vocabularySize: size, corpus: corpus, numbers)
            return
        }
        let lines = try bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
            // Lines of white space are skipped, and so is the carriage return of an empty line.
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
        else { throw failure("the settings.json in the same directory has no corpus and vocab_size") }
        content = .merges(
            convention: "hf", vocabularySize: size, corpus: corpus,
            lines.map { line in ["left", "right", "new", "count"].compactMap { line.json[$0]?.intValue } })
    }

    /// Compares every vector with what this package computes.
    /// - Parameters:
    ///   - tokenizers: the tokenizers that the vectors are for.
    ///   - report: called with the location of each vector in the file and its outcome.
    /// - Throws: an error of the file with the training text, and what `report` throws.
    package func check(
        with tokenizers: inout VectorTokenizers, report: (_ location: String, VectorOutcome) throws -> Void
    ) throws {
        switch content {
        case .merges(let convention, let size, let corpus, let merges):
            try checkTraining(convention, size, corpus, merges, report: report)
        case .lines(let lines):
            for (number, json) in lines {
                let name = json["encoding"]?.stringValue
                let kind = [name, json["kind"]?.stringValue].compactMap { $0 }.joined(separator: ", ")
                let location = "line \(number)" + (kind.isEmpty ? "" : " (\(kind))")
                switch tokenizers.tokenizer(name) {
                case .failure(let reason as VectorOutcome.SkipReason): try report(location, .skipped(reason))
                case .failure(let error): try report(location, .failed("\(error)"))
                case .success(let tokenizer): try report(location, TokenizerVector(json).check(tokenizer))
                }
            }
        }
    }

    private func checkTraining(
        _ rule: String, _ size: Int, _ corpus: String, _ merges: [[Int]],
        report: (String, VectorOutcome) throws -> Void
    ) throws {
        func skip(_ reason: VectorOutcome.SkipReason) throws {
            for number in merges.indices { try report("step \(number)", .skipped(reason)) }
        }
        guard let convention = BPETrainer.Convention(rawValue: rule) else { return try skip(.unknownTrainer(rule)) }
        guard let text = try trainingText.map({ try TextFile.readText($0) { _ in } }) ?? (try? TinyShakespeare.kept())
        else {
            return try skip(.noTrainingText)
        }
        var pretokens = PretokenCounter()
        pretokens.add(Self.part(of: text, corpus), splitBy: .gpt2)
        let result: BPETrainer.Result?
        do {
            result = try BPETrainer(vocabularySize: size, convention: convention).train(pretokens)
        } catch { return try report("vocab_size", .failed("\(error)")) }
        for (number, expected) in merges.enumerated() {
            var own: [Int] = []
            if let result, result.merges.indices.contains(number) {
                let merge = result.merges[number]
                own = [Int(merge.left), Int(merge.right), Int(merge.result), result.counts[number]]
            }
            try report(
                "step \(number)",
                own == expected ? .passed : .failed("left, right, new, count are \(own), not \(expected)"))
        }
    }

    /// The beginning of a text, as long as the description of a corpus says by a number before the word "characters"; the
    /// whole text if it says nothing.
    private static func part(of text: String, _ corpus: String) -> String {
        let words = corpus.split(separator: " ")
        guard let index = words.firstIndex(where: { $0.hasPrefix("characters") }), index > 0,
            let count = Int(words[index - 1])
        else { return text }
        return String(text.unicodeScalars.prefix(count))
    }
}
