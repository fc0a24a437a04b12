import Models
import Tensors

/// The speed of training on this machine.
public enum TrainingSpeed {
    /// Measures how many floating-point operations a second training computes, in about a second: by real steps of a small
    /// model, on as many threads and in the same precision as the training.
    public static func measured(seconds: Double = 1, precision: Precision = .preferredForTraining) -> Double {
        var settings = Recipe(textTokens: 1_000_000, vocabularySize: 64, operations: 2e13).settings
        settings.precision = precision
        guard let model = settings.model.makeNeuralModel(seed: 1) else { return 1e9 }
        let optimizer = Optimizer(model.parameters, settings: settings.optimizer)
        let count = settings.tokensPerStep
        let ids = (0..<count).map { Int32($0 * 31 % 64) }
        let tokens = TokenBatch(batch: settings.batch, length: settings.sequenceLength, ids: ids)
        var times: [Double] = []
        let clock = ContinuousClock(), begin = clock.now
        // The first step allocates memory.
        while times.count < 3 || (clock.now - begin).seconds < seconds {
            let start = clock.now
            _ = Execution.with(precision) { model.loss(tokens, targets: ids, gradientScale: 1 / Float(count)) }
            optimizer.update(learningRate: 1e-3, gradientNorm: optimizer.gradientNorm())
            times.append((clock.now - start).seconds)
        }
        let median = times.dropFirst().sorted()[(times.count - 1) / 2]
        return settings.stepOperations / median
    }
}
