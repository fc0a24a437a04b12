import Files
import Interchange
import Layers
import Models
import StrictJSON
import Tensors
import Training

/// Compares a model with a reference that another program computed in double precision: logits, loss, every gradient, and
/// some steps of AdamW.
///
/// The reference is a directory with the model (config.json, model.safetensors) and
///
/// - `expected.safetensors`: `input_ids` (B, T), `logits` (B, T, V), `loss64`, and `grad.NAME` for each parameter; the
///   loss is the mean of -log p(ids[t + 1]) over all positions but the last;
/// - `inputs.json` with the settings of the steps under `train`, and `train.safetensors`: `batch.N` (B, T + 1) for each
///   step, `loss_before64` and `loss_after64` around each update, `grad_norm64` before clipping, and after the last step
///   `final.NAME` and the moments `exp_avg.NAME` and `exp_avg_sq.NAME`. The batch of an encoder-decoder is `sources.N` and
///   `targets.N`, each (B, T) and padded at the ends, with `source_mask.N` and `target_mask.N`, and `smoothing` is among the
///   settings.
///
/// References of encoders and encoder-decoders are described at their checks.
public struct ReferenceCheck {
    /// The largest difference between the values of one kind and their reference, and its tolerance.
    public struct Difference: Sendable {
        public let name: String
        /// The tensor with the largest difference.
        public let place: String
        public let largest: Double
        public let tolerance: Double
        public var isWithin: Bool { largest <= tolerance }
    }

    /// For 32-bit floats compared with doubles: PyTorch's floats differ by 7e-6 for logits and 8e-7 for gradients.
    enum Tolerance {
        static let logits = 3e-5, loss = 1e-5, gradients = 3e-6, steps = 3e-5
    }

    private let directory: String
    private let acceptsEdits: Bool
    let path: (String) -> String

    /// - Parameters:
    ///   - directory: the directory with the model and the reference.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    public init(directory: String, acceptingEdits: Bool = false) {
        self.directory = directory
        acceptsEdits = acceptingEdits
        path = { directory + "/" + $0 }
    }

    /// Compares everything that the directory has a reference for.
    /// - Throws: one line that names the file and what is wrong with it.
    public func run() throws -> [Difference] {
        let model = try ModelDirectory.load(directory, acceptingEdits: acceptsEdits).model
        switch model.form {
        case .neural(let model): return try checkForwardAndBackward(model) + checkSteps()
        case .encoder(let model): return try check(model)
        case .encoderDecoder(let model): return try check(model) + checkSteps()
        case .counted, .other:
            throw ModelError(
                path: directory,
                reason: "n-gram models have no gradients to verify; give a model of another kind")
        }
    }

    private func checkForwardAndBackward(_ model: any NeuralLanguageModel) throws -> [Difference] {
        let expected = try SafetensorsFile(path: path("expected.safetensors"))
        let ids = try tokens("input_ids", in: expected, model, predicted: 0)
        var logits = LargestDifference("logits", Tolerance.logits)
        try logits.compare(model.logits(ids), "logits", in: expected)

        let (inputs, targets) = ids.shifted()
        let count = Double(targets.count)
        var loss = LargestDifference("loss", Tolerance.loss)
        let total = model.loss(inputs, targets: targets, gradientScale: Float(1 / count))
        try loss.compare([total / count], "loss64", in: expected)

        return [logits, loss, try gradients(of: model, expected)].map(\.difference)
    }

    func gradients(of model: any TrainableModel, _ expected: SafetensorsFile) throws -> LargestDifference {
        var gradients = LargestDifference("gradients", Tolerance.gradients)
        for named in model.parameters {
            guard let gradient = named.parameter.gradient else { continue }
            try gradients.compare(gradient, "grad." + named.name, in: expected)
        }
        return gradients
    }

    /// The batch of a step: the number of its targets, and the sum of their losses. With a scale, the loss adds to the gradients.
    private struct StepBatch {
        let count: Int
        let loss: (_ scale: Float?) -> Double
    }

    /// Reads the batch of a step.
    private func batch(
        _ step: Int, of model: any TrainableModel, in file: SafetensorsFile, _ settings: StepSettings
    ) throws -> StepBatch? {
        switch model.form {
        case .neural(let model):
            let (inputs, targets) = try tokens("batch.\(step)", in: file, model, predicted: 1).shifted()
            return StepBatch(count: targets.count) { model.loss(inputs, targets: targets, gradientScale: $0) }
        case .encoderDecoder(let model):
            let sources = try PaddedBatch("sources.\(step)", mask: "source_mask.\(step)", in: file, model).tokens
            let targets = try PaddedBatch("targets.\(step)", mask: "target_mask.\(step)", in: file, model).tokens
            guard sources.batch == targets.batch else {
                throw ModelError(
                    path: file.path, reason: "sources.\(step) and targets.\(step) have different numbers of rows")
            }
            let rows = (0..<targets.batch).map { Array(targets.ids[targets.rows(of: $0)]) }
            let inputs = TokenBatch(rows.map { [model.configuration.startToken] + $0.dropLast() })
            return StepBatch(count: targets.ids.count) {
                model.loss(sources, inputs, labels: targets.ids, smoothing: settings.smoothing, gradientScale: $0)
            }
        case .encoder, .counted, .other: return nil
        }
    }

    private func checkSteps() throws -> [Difference] {
        guard Files.exists(path("train.safetensors")) else { return [] }
        let settings = try StepSettings(path: path("inputs.json"))
        let expected = try SafetensorsFile(path: path("train.safetensors"))
        // Without the gradients of the comparison before.
        guard let model = try ModelDirectory.load(directory, acceptingEdits: acceptsEdits).model.trainable else {
            return []
        }
        let optimizer = Optimizer(model.parameters, settings: settings.optimizer)
        var before: [Double] = [], after: [Double] = [], norms: [Double] = []
        for step in 0..<settings.steps {
            guard let batch = try batch(step, of: model, in: expected, settings) else { return [] }
            let count = Double(batch.count)
            before.append(batch.loss(Float(1 / count)) / count)
            norms.append(optimizer.gradientNorm())
            optimizer.update(learningRate: settings.learningRate, gradientNorm: norms[step])
            after.append(batch.loss(nil) / count)
        }

        var losses = LargestDifference("losses over the steps", Tolerance.steps)
        try losses.compare(before, "loss_before64", in: expected)
        try losses.compare(after, "loss_after64", in: expected)
        var gradientNorms = LargestDifference("gradient norms, relative", Tolerance.steps)
        if expected.contains("grad_norm64") {
            for (norm, reference) in zip(norms, try expected.doubles("grad_norm64")) {
                gradientNorms.note((norm - reference) / max(1, reference), "grad_norm64")
            }
        }
        var weights = LargestDifference("weights after the steps", Tolerance.steps)
        var keyBiases = LargestDifference("key biases after the steps", Double(settings.steps) * settings.learningRate)
        var moments = LargestDifference("moments after the steps", Tolerance.gradients)
        for (i, named) in optimizer.parameters.enumerated() where named.parameter.needsGradient {
            let final = try expected.floats("final." + named.name)
            let values = named.parameter.value.values
            // Softmax does not depend on a constant added to all scores, so the exact gradient of the biases of the keys is
            // 0. Adam scales the rounding error that is computed instead to steps of full length, which is the tolerance.
            var keys = named.name.hasSuffix("attn.c_attn.bias") ? values.count / 3..<values.count / 3 * 2 : 0..<0
            if model.encoderDecoder != nil, named.name.hasSuffix("k_proj.bias") { keys = 0..<values.count }
            for (j, value) in values.enumerated() where final.indices.contains(j) {
                let difference = Double(value) - Double(final[j])
                if keys.contains(j) {
                    keyBiases.note(difference, named.name)
                } else {
                    weights.note(difference, named.name)
                }
            }
            if values.count != final.count { weights.note(.infinity, named.name) }
            if expected.contains("exp_avg." + named.name) {
                if let moment1 = optimizer.moment1[i] {
                    try moments.compare(moment1, "exp_avg." + named.name, in: expected)
                }
                if let moment2 = optimizer.moment2[i] {
                    try moments.compare(moment2, "exp_avg_sq." + named.name, in: expected)
                }
            }
        }
        return [losses, gradientNorms, weights, keyBiases, moments].filter(\.hasCompared).map(\.difference)
    }

    /// Ids of shape (B, T), all of them in the vocabulary.
    /// - Parameter predicted: the number of ids at the end of each sequence that are only targets, so the context need not
    ///   have room for them.
    private func tokens(
        _ name: String, in file: SafetensorsFile, _ model: any NeuralLanguageModel, predicted: Int
    ) throws -> TokenBatch {
        let shape = try file.shape(name)
        let ids = try file.integers(name)
        guard shape.count == 2, shape[0] >= 1, shape[1] >= 2, shape[1] - predicted <= model.contextLength ?? .max,
            ids.allSatisfy({ $0 >= 0 && $0 < model.vocabularySize })
        else {
            throw ModelError(path: file.path, reason: "\(name) does not contain sequences of the model's token ids")
        }
        return TokenBatch(batch: shape[0], length: shape[1], ids: ids.map(Int32.init))
    }
}

/// The settings of the reference's training steps.
private struct StepSettings {
    let steps: Int
    let learningRate: Double
    /// The share of label smoothing.
    let smoothing: Float
    let optimizer: Optimizer.Settings

    init(path: String) throws {
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw ModelError(path: path, reason: "not JSON: \(error)")
        }
        func number(_ key: String) throws -> Double {
            guard let value = json["train"]?[key]?.doubleValue else {
                throw ModelError(path: path, reason: "train.\(key) is missing")
            }
            return value
        }
        guard let steps = json["train"]?["steps"]?.intValue, (0...10_000).contains(steps) else {
            throw ModelError(path: path, reason: "train.steps is not a whole number from 0 to 10000")
        }
        self.steps = steps
        learningRate = try number("lr")
        smoothing = json["train"]?["smoothing"] == nil ? 0 : Float(try number("smoothing"))
        let clip = json["train"]?["clip_norm"] ?? .null
        optimizer = Optimizer.Settings(
            beta1: try number("beta1"), beta2: try number("beta2"), epsilon: try number("eps"),
            weightDecay: try number("weight_decay"), clip: clip.isNull ? 0 : try number("clip_norm"))
    }
}

extension TokenBatch {
    /// All tokens but the last of each sequence, and the targets: all but the first.
    fileprivate func shifted() -> (inputs: TokenBatch, targets: [Int32]) {
        let rows = (0..<batch).map { ids[$0 * length..<($0 + 1) * length] }
        let inputs = TokenBatch(batch: batch, length: length - 1, ids: rows.flatMap { $0.dropLast() })
        return (inputs, rows.flatMap { $0.dropFirst() })
    }
}
