import Layers
import Models
import Tensors

/// The results of a model for some ids, with which those of a model that was written and read again are compared: the logits,
/// or the hidden vectors of an encoder without a head.
struct LogitsCheck {
    private let probe: Probe
    private let results: [Tensor]

    /// Computes the results of a model.
    /// - Throws: if it is an n-gram model, or has weights that are not finite numbers.
    init(_ saved: SavedModel) throws {
        try saved.requireFiniteWeights()
        probe = Probe(vocabularySize: saved.model.vocabularySize, contextLength: saved.model.contextLength)
        guard let results = probe.results(of: saved.model) else {
            throw ModelError(
                path: saved.path,
                reason: "a model of type '\(saved.model.modelType)' has no results that can be compared")
        }
        guard results.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
            throw ModelError(numbersOf: saved.model, path: saved.path)
        }
        self.results = results
    }

    /// Compares the results with those of another model.
    /// - Parameters:
    ///   - saved: the other model, which may have more rows in its vocabulary.
    ///   - tolerance: the maximum root mean square error of the results, in standard deviations of the results.
    /// - Returns: the largest difference of a number.
    /// - Throws: `ExportDifference`.
    func compare(with saved: SavedModel, tolerance: Double) throws(ExportDifference) -> Double {
        guard let read = probe.results(of: saved.model), read.count == results.count else {
            throw ExportDifference("the export, read back, is another model")
        }
        var largest = 0.0
        for (expected, read) in zip(results, read) {
            largest = max(largest, try Self.compare(expected, with: read, tolerance: tolerance))
        }
        return largest
    }

    private static func compare(
        _ results: Tensor, with read: Tensor, tolerance: Double
    ) throws(ExportDifference) -> Double {
        let columns = results.shape.columns, ownColumns = read.shape.columns
        guard read.shape.rows == results.shape.rows, ownColumns >= columns else {
            throw ExportDifference("the export, read back, is another model")
        }
        let results = results.values, read = read.values
        var largest = 0.0, squaredError = 0.0, variance = 0.0
        let mean = results.reduce(0) { $0 + Double($1) } / Double(max(1, results.count))
        for (i, value) in results.enumerated() {
            let expected = Double(value)
            let difference = abs(expected - Double(read[i / columns * ownColumns + i % columns]))
            // A maximum with NaN would be the number.
            guard difference.isFinite else {
                throw ExportDifference(
                    "the model has numbers that are too large for this precision; choose bf16 or f32")
            }
            largest = max(largest, difference)
            squaredError += difference * difference
            variance += (expected - mean) * (expected - mean)
        }
        guard squaredError <= tolerance * tolerance * variance + 1e-12 else {
            let share = (squaredError / variance).squareRoot()
            throw ExportDifference(
                "read back, its results differ by \(share) standard deviations, more than \(tolerance)")
        }
        return largest
    }
}

/// Ids from all of a vocabulary, the same every time, and the results of models for them.
private struct Probe {
    /// Two sequences, the second of half the length.
    private let sequences: [[Int32]]

    init(vocabularySize: Int, contextLength: Int?) {
        var random = Philox(0x70726F6265, UInt64(vocabularySize))
        let length = min(contextLength ?? 16, 16)
        sequences = [length, (length + 1) / 2].map { length in
            (0..<length).map { _ in Int32(random.next().multipliedFullWidth(by: UInt64(vocabularySize)).high) }
        }
    }

    /// The results of a model with at least this vocabulary, each in rows of its width; nil for one that has none.
    func results(of model: any Model) -> [Tensor]? {
        guard sequences.allSatisfy({ $0.allSatisfy { $0 < model.vocabularySize } }),
            sequences[0].count <= model.contextLength ?? .max
        else { return nil }
        let batch = TokenBatch(sequences)
        switch model.form {
        case .neural(let model): return [model.logits(TokenBatch(sequences[0]))]
        case .encoder(let model):
            let types = batch.ids.indices.map { Int32($0 % model.configuration.tokenTypes) }
            return model.outputs(batch, types: types, ForwardPass(.inference)).map(\.value.value)
        case .encoderDecoder(let model): return [model.logits(batch, TokenBatch(sequences.map { $0.reversed() }))]
        case .counted, .other: return nil
        }
    }
}
