import Models
import Tensors

/// The logits of a model for some ids, with which those of a model that was written and read again are compared.
struct LogitsCheck {
    private let tokens: TokenBatch
    private let logits: [Float]
    private let vocabularySize: Int

    /// Computes the logits of a model.
    /// - Throws: if it is an n-gram model, or has weights that are not finite numbers.
    init(_ saved: SavedModel) throws {
        guard let model = saved.model.neural else {
            throw ModelError(
                path: saved.path,
                reason:
                    "models of type '\(saved.model.modelType)' cannot be exported; export a bigram, attention or gpt model"
            )
        }
        try saved.requireFiniteWeights()
        // Ids from all of the vocabulary, the same every time.
        var random = Philox(0x70726F6265, UInt64(model.vocabularySize))
        let length = min(model.contextLength ?? 16, 16)
        tokens = TokenBatch(
            (0..<length).map { _ in
                Int32(random.next().multipliedFullWidth(by: UInt64(model.vocabularySize)).high)
            })
        logits = model.logits(tokens).values
        guard logits.allSatisfy(\.isFinite) else { throw ModelError(numbersOf: saved.model, path: saved.path) }
        vocabularySize = model.vocabularySize
    }

    /// Compares the logits with those of another model.
    /// - Parameters:
    ///   - saved: the other model, which may have more rows.
    ///   - tolerance: the maximum root mean square error of the logits, in standard deviations of the logits.
    /// - Returns: the largest difference of a logit.
    /// - Throws: `ExportDifference`.
    func compare(with saved: SavedModel, tolerance: Double) throws(ExportDifference) -> Double {
        guard let model = saved.model.neural, model.vocabularySize >= vocabularySize else {
            throw ExportDifference("the export, read back, is another model")
        }
        let read = model.logits(tokens).values
        var largest = 0.0, squaredError = 0.0, variance = 0.0
        let mean = logits.reduce(0) { $0 + Double($1) } / Double(max(1, logits.count))
        for row in 0..<tokens.length {
            for id in 0..<vocabularySize {
                let expected = Double(logits[row * vocabularySize + id])
                let difference = abs(expected - Double(read[row * model.vocabularySize + id]))
                // A maximum with NaN would be the number.
                guard difference.isFinite else {
                    throw ExportDifference(
                        "the model has numbers that are too large for this precision; choose bf16 or f32")
                }
                largest = max(largest, difference)
                squaredError += difference * difference
                variance += (expected - mean) * (expected - mean)
            }
        }
        guard squaredError <= tolerance * tolerance * variance + 1e-12 else {
            let share = (squaredError / variance).squareRoot()
            throw ExportDifference(
                "read back, its logits differ by \(share) standard deviations, more than \(tolerance)")
        }
        return largest
    }
}
