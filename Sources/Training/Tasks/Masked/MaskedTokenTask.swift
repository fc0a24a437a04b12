import Inference
import Models
import Tensors
import Tokenizers

/// Masked language modelling: tokens of a text are masked, and predicted from all tokens around them. So an encoder learns a
/// language before it learns a task (Devlin et al., 2019).
///
///     loss = - sum over masked positions t of log p(x[t] | the masked text)
public final class MaskedTokenTask: TrainingTask {
    public let encoder: Encoder
    public let data: TokenDataset
    private let tokenizer: any Tokenizer
    private let tokens: MaskedWindows.Tokens
    private let settings: TrainingSettings
    /// The number of tokens of a window, without `[CLS]` and `[SEP]`.
    private let length: Int

    /// The number of validation windows that are computed at the same time.
    private static let validationBatch = 32

    /// - Parameters:
    ///   - encoder: an encoder with a head for masked tokens.
    ///   - data: what to learn from and to validate on.
    ///   - tokenizer: the tokenizer of the data.
    ///   - settings: batch, context, seed and the extent of the last validation are what the task uses.
    /// - Throws: `TrainingError`, if the tokenizer lacks one of the special tokens.
    public init(
        _ encoder: Encoder, data: TokenDataset, tokenizer: any Tokenizer, settings: TrainingSettings
    ) throws {
        let template = tokenizer.template
        guard let mask = tokenizer.maskID, let first = template.before.last, let last = template.after.first else {
            throw TrainingError.setting(
                "the tokenizer (\(tokenizer.kind)) has no mask token, or none before and after a text, which masked language "
                    + "modelling needs; use another tokenizer, for example wordpiece:8192")
        }
        let special = Set(tokenizer.specialTokenIDs + tokenizer.unassignedIDs)
        tokens = MaskedWindows.Tokens(
            classification: first, separator: last, mask: mask,
            ordinary: (0..<Int32(tokenizer.vocabularySize)).filter { !special.contains($0) })
        self.encoder = encoder
        self.data = data
        self.tokenizer = tokenizer
        self.settings = settings
        length = encoder.configuration.contextLength - 2
    }

    public var model: any TrainableModel { encoder }
    public var measure: ValidationMeasure { .loss }

    // MARK: Steps

    public var tokensPerStep: Int { settings.tokensPerStep }

    public func targetCount(step: Int) -> Int {
        settings.batch * settings.accumulate * MaskedWindows.count(length: length)
    }

    public func microBatch(_ index: MicroBatchIndex) -> MicroBatch {
        let drawn = data.batch(
            batch: settings.batch, length: length, seed: settings.seed, step: index.step, microBatch: index.microBatch,
            of: settings.accumulate
        ).inputs.ids
        let windows = MaskedWindows((0..<settings.batch).map { drawn[$0 * length..<($0 + 1) * length] }, tokens) {
            [seed = settings.seed] window in
            Philox(Purpose.masks, seed, UInt64(index.step), UInt64(index.microBatch) << 32 | UInt64(window))
        }
        return MicroBatch { [encoder] scale, dropout in
            encoder.loss(
                windows.tokens, rows: windows.rows, targets: windows.targets, gradientScale: scale, dropout: dropout)
        }
    }

    // MARK: Validation

    /// The windows of the validation parts, one after another. A shorter rest is left out, unless it is all there is.
    private var validationWindows: [ArraySlice<Int32>] {
        data.documents.flatMap { document in
            let ids = document.validation
            if ids.count < length { return [ids[...]] }
            return (0..<ids.count / length).map { ids[$0 * length..<($0 + 1) * length] }
        }
    }

    public var validationSize: Int {
        data.documents.reduce(0) { $0 + max(1, $1.validationIDs.count / length) }
    }

    public func affordableValidationSize(trainedTokens: Int) -> Int {
        Evaluator.affordableWindows(trainedTokens: trainedTokens, length: length)
    }

    public func finalValidationSize(trainedTokens: Int) -> Int {
        settings.finalEvaluation.limit(
            trainedTokens: trainedTokens, length: length, model: .encoder(encoder.configuration))
    }

    public func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult? {
        let all = validationWindows, count = min(size, all.count)
        var result = Evaluation(total: 0, count: 0)
        for start in stride(from: 0, to: count, by: Self.validationBatch) {
            if shouldStop() { return nil }
            // Evenly spaced among all.
            let numbers = (start..<min(start + Self.validationBatch, count)).map { $0 * all.count / count }
            let windows = masked(numbers.map { all[$0] }, numbers)
            let loss = encoder.loss(windows.tokens, rows: windows.rows, targets: windows.targets)
            result += Evaluation(total: loss, count: windows.targets.count)
        }
        return ValidationResult(result, scored: count, of: all.count)
    }

    /// Validation windows with the masks that they have in every validation.
    private func masked(_ windows: [ArraySlice<Int32>], _ numbers: [Int]) -> MaskedWindows {
        MaskedWindows(windows, tokens) { [seed = settings.seed] in
            Philox(Purpose.masks, seed, UInt64.max, UInt64(numbers[$0]))
        }
    }

    // MARK: Samples

    public var writesSamples: Bool { true }

    /// A window of the validation text with its masks, what the model predicts there, and the text itself.
    public func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String? {
        let all = validationWindows
        let number = Int(
            Philox.key([Purpose.samples, settings.seed, UInt64(step)]).multipliedFullWidth(by: UInt64(all.count)).high)
        let windows = masked([all[number].prefix(length)], [number])
        let logits = encoder.predict(windows.tokens, rows: windows.rows).values
        let V = encoder.vocabularySize
        var (masked, predicted, actual) = (windows.tokens.ids, windows.tokens.ids, windows.tokens.ids)
        for (index, row) in windows.rows.enumerated() {
            let rowLogits = logits[index * V..<(index + 1) * V]
            let best = rowLogits.indices.max { rowLogits[$0] < rowLogits[$1] } ?? rowLogits.startIndex
            masked[Int(row)] = tokens.mask
            predicted[Int(row)] = Int32(best - rowLogits.startIndex)
            actual[Int(row)] = windows.targets[index]
        }
        return [("masked", masked), ("predicted", predicted), ("text", actual)]
            .map { "\($0): \(tokenizer.decode($1.dropFirst().dropLast(), spellingSpecialTokens: true))" }
            .joined(separator: "\n")
    }

    // MARK: Records

    public var dataRecord: DataRecord { data.record }
}
