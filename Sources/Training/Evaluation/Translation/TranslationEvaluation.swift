import Corpus
import Inference
import Models
import StrictJSON

/// How well an encoder-decoder translates pairs of texts: its loss on the targets, and how near its translations are to them.
public struct TranslationEvaluation: Sendable, Equatable {
    /// How near the translations are to the targets.
    public let score: TranslationScore
    /// The mean of -log p of the tokens of the targets, in nats per token, without label smoothing.
    public let loss: Double
    /// The number of tokens of the targets.
    public let targetTokens: Int

    /// Pairs that are encoded at the same time.
    private static let batch = 32

    /// Translates the sources of pairs, and compares the translations with their targets.
    /// - Parameters:
    ///   - translator: the model, its tokenizer, and how it searches.
    ///   - pairs: the pairs.
    ///   - unknown: replaces characters that the vocabulary has no token for; with nil they are an error.
    ///   - progress: called between batches with the share of pairs that are translated. What it throws ends the evaluation.
    /// - Throws: `TrainingError`, for a text that the tokenizer cannot encode or that is longer than the model's context.
    public init(
        _ translator: Translator, on pairs: TextPairs, replacing unknown: Unicode.Scalar? = nil,
        progress: (Double) throws -> Void = { _ in }
    ) throws {
        let encoded = try pairs.pairs.enumerated().map { number, pair in
            func ids(_ text: String, _ column: String) throws -> [Int32] {
                do { return try translator.encode(source: text, replacing: unknown) } catch {
                    throw TrainingError.setting("\(pairs.name): the \(column) of pair \(number + 1): \(error)")
                }
            }
            return PairDataset.Example(
                source: try ids(pair.source, "source"), target: try ids(pair.target, "target"))
        }
        try self.init(translator, encoded, references: pairs.pairs.map(\.target), progress: progress)
    }

    /// The same for the validation pairs of a dataset.
    public init(
        _ translator: Translator, on data: PairDataset, progress: (Double) throws -> Void = { _ in }
    ) throws {
        try self.init(translator, data.validation, references: data.validationTexts.map(\.target), progress: progress)
    }

    private init(
        _ translator: Translator, _ examples: [PairDataset.Example], references: [String],
        progress: (Double) throws -> Void
    ) throws {
        var score = TranslationScore(), loss = Evaluation(total: 0, count: 0)
        for start in stride(from: 0, to: examples.count, by: Self.batch) {
            let range = start..<min(start + Self.batch, examples.count), part = Array(examples[range])
            loss += translator.model.loss(of: part)
            for (translation, reference) in zip(translator.translate(part.map(\.source)), references[range]) {
                score.add(hypothesis: translation, reference: reference)
            }
            try progress(Double(range.upperBound) / Double(examples.count))
        }
        self.score = score
        self.loss = loss.loss
        targetTokens = loss.count
    }

    // MARK: Showing it

    /// The names of the figures and their values, in words: a line for each.
    public var table: [[String]] {
        let interval = score.exactMatchInterval
        return [
            ["loss", "\(loss.decimals(4)) nats per token of the targets"],
            ["BLEU", "\(score.bleu.score.decimals(2)) (\(BLEU.signature))"],
            ["chrF", "\(score.chrF.score.decimals(2)) (\(ChrF.signature))"],
            [
                "exact matches",
                "\(score.exactMatches) of \(score.count), \((100 * score.exactMatch).decimals(1))% (95% interval "
                    + "\((100 * interval.lowerBound).decimals(1)) to \((100 * interval.upperBound).decimals(1)))",
            ],
        ]
    }

    /// The figures for programs.
    package var json: JSONObject {
        JSONObject([
            ("loss", .double(loss)), ("bleu", .double(score.bleu.score)), ("chrf", .double(score.chrF.score)),
            ("exact_match", .double(score.exactMatch)), ("pairs", .int(score.count)),
            ("target_tokens", .int(targetTokens)), ("bleu_signature", .string(BLEU.signature)),
            ("chrf_signature", .string(ChrF.signature)),
        ])
    }
}

extension Double {
    /// The number with a fixed number of decimals.
    fileprivate func decimals(_ count: Int) -> String {
        guard isFinite, magnitude < 1e12 else { return spelling }
        let scale = (0..<count).reduce(1.0) { scale, _ in scale * 10 }
        let digits = String(UInt64((magnitude * scale).rounded()))
        let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
        return (self < 0 ? "-" : "") + padded.dropLast(count) + "." + padded.suffix(count)
    }
}
