import Interchange
import Layers
import Models
import Platform
import StrictJSON
import Tensors
import TestSupport
import Testing
import Training

@Suite("AdamW and the learning rate")
struct OptimizerTests {
    /// AdamW as its paper has it, in double precision.
    private struct Plain {
        var parameters: [Double]
        var m: [Double]
        var v: [Double]
        var t = 0.0

        init(_ parameters: [Double]) {
            self.parameters = parameters
            m = parameters.map { _ in 0 }
            v = parameters.map { _ in 0 }
        }

        mutating func update(_ gradient: [Double], _ s: Optimizer.Settings, rate: Double, decay: Double, scale: Double)
        {
            t += 1
            for i in parameters.indices {
                let g = gradient[i] * scale
                parameters[i] -= rate * decay * parameters[i]
                m[i] = s.beta1 * m[i] + (1 - s.beta1) * g
                v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g
                parameters[i] -=
                    rate * (m[i] / (1 - pow(s.beta1, t))) / ((v[i] / (1 - pow(s.beta2, t))).squareRoot() + s.epsilon)
            }
        }
    }

    @Test(
        "Updates are those of plain double code: with decay on matrices only, with clipping that bites and that does not",
        arguments: [0.0, 0.5, 1e6])
    func plain(_ clip: Double) {
        var random = Philox(7)
        let settings = Optimizer.Settings(beta1: 0.9, beta2: 0.97, epsilon: 1e-7, weightDecay: 0.3, clip: clip)
        let shapes: [Shape] = [[37, 5], [19]]
        let parameters = shapes.map { Parameter(.normal($0, deviation: 1, using: &random)) }
        var references = parameters.map { Plain($0.value.values.map(Double.init)) }
        let names = [NamedParameter("matrix", parameters[0]), NamedParameter("bias", parameters[1])]
        // The matrix has a second name, as a tied embedding has; it is one parameter all the same.
        let optimizer = Optimizer(names + [NamedParameter("tied", parameters[0])], settings: settings)
        for step in 0..<8 {
            let gradients = shapes.map { Tensor.normal($0, deviation: 0.3, using: &random) }
            for (parameter, gradient) in zip(parameters, gradients) { parameter.gradient = gradient.copy() }
            let squares = gradients.flatMap { $0.values }.reduce(0.0) { $0 + Double($1) * Double($1) }
            let norm = optimizer.gradientNorm()
            #expect(abs(norm - squares.squareRoot()) < 1e-5)
            let rate = 0.01 * Double(step + 1)
            optimizer.update(learningRate: rate, gradientNorm: norm)
            let scale = clip > 0 ? min(1, clip / (squares.squareRoot() + 1e-6)) : 1
            for i in 0..<2 {
                references[i].update(
                    gradients[i].values.map(Double.init), settings, rate: rate, decay: i == 0 ? 0.3 : 0, scale: scale)
                let difference = zip(parameters[i].value.values, references[i].parameters).map { abs(Double($0) - $1) }
                #expect(difference.max() ?? 1 < 2e-6)
                #expect(parameters[i].gradient == nil)
            }
        }
    }

    @Test(
        "Five steps of a GPT-2 end where PyTorch's do",
        .enabled(if: Fixtures.golden != nil, "GPT_GOLDEN names no folder"), arguments: [1, 2])
    func golden(_ threads: Int) throws {
        let folder = "\(Fixtures.golden ?? "")/gpt2-tiny"
        let inputs = try #require(try JSON(parsing: try Fixtures.bytes("\(folder)/inputs.json"))["train"])
        func number(_ name: String) throws -> Double { try #require(inputs[name]?.doubleValue) }
        let model = try #require(try ModelDirectory.load(folder).model as? Transformer)
        let expected = try SafetensorsFile(path: "\(folder)/train.safetensors")
        let rate = try number("lr")
        let optimizer = Optimizer(
            model.parameters,
            settings: Optimizer.Settings(
                beta1: try number("beta1"), beta2: try number("beta2"), epsilon: try number("eps"),
                weightDecay: try number("weight_decay"), clip: try number("clip_norm")))
        let batches = try #require(inputs["batches"]?.arrayValue)
        let losses = try #require(inputs["loss_before"]?.arrayValue).compactMap(\.doubleValue)
        try Execution.$current.withValue(Execution(threads: threads)) {
            for (batch, loss) in zip(batches, losses) {
                let rows = try #require(batch.arrayValue).map {
                    ($0.arrayValue ?? []).compactMap(\.intValue).map(Int32.init)
                }
                let length = rows[0].count - 1
                let total = model.loss(
                    TokenBatch(batch: rows.count, length: length, ids: rows.flatMap { $0.dropLast() }),
                    targets: rows.flatMap { $0.dropFirst() }, gradientScale: 1 / Float(rows.count * length))
                #expect(abs(total / Double(rows.count * length) - loss) < 1e-5)
                optimizer.update(learningRate: rate, gradientNorm: optimizer.gradientNorm())
            }
        }
        for named in model.parameters {
            let wanted = try expected.withBytes("final.\(named.name)") { Array($0.bindMemory(to: Float.self)) }
            let width = model.configuration.width
            for (i, (value, wanted)) in zip(named.parameter.value.values, wanted).enumerated() {
                // The gradient of a key's bias is 0 but for rounding, which Adam amplifies.
                let isKeyBias = named.name.hasSuffix("c_attn.bias") && (width..<2 * width).contains(i)
                #expect(abs(value - wanted) < (isKeyBias ? 5 * Float(rate) : 3e-5), "\(named.name)[\(i)]")
            }
        }
    }

    @Test("The learning rate rises in steps, then falls along a cosine to a tenth")
    func schedule() {
        let schedule = LearningRateSchedule(peak: 2, warmupSteps: 4)
        for (step, expected) in [(0, 0.4), (3, 1.6), (4, 2), (54, 1.1), (104, 0.2), (500, 0.2)] {
            #expect(abs(schedule.rate(step: step, of: 104) - expected) < 1e-12)
        }
        // By time: the warm-up is still in steps.
        #expect(abs(schedule.rate(step: 1, progress: 0.5) - 0.8) < 1e-12)
        #expect(abs(schedule.rate(step: 9, progress: 0.5) - 1.1) < 1e-12)
        #expect(abs(schedule.rate(step: 9, progress: 1.5) - 0.2) < 1e-12)
        let linear = LearningRateSchedule(peak: 2, warmupSteps: 10, shape: .linear)
        #expect(linear.rate(step: 10, of: 110) == 2)
        #expect(linear.rate(step: 60, of: 110) == 1)
        #expect(linear.rate(step: 110, of: 110) == 0)
        #expect(linear.rate(step: 5, of: 110) == 2 * 6 / 11.0)
        let constant = LearningRateSchedule(peak: 2, warmupSteps: 0, shape: .constant)
        #expect([0, 50, 99].allSatisfy { constant.rate(step: $0, of: 100) == 2 })
        // A warm-up longer than the training never divides by nothing.
        #expect(LearningRateSchedule(peak: 1, warmupSteps: 10).rate(step: 10, of: 5) == 1)
    }
}
