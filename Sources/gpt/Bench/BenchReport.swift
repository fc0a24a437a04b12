import GPTKit
import StrictJSON
import Tensors
import Verification

/// Prints the results of `gpt bench` as text and as JSON.
struct BenchReport {
    let subject: BenchCommand.Subject
    let preset: ModelPreset?
    let benchmark: Benchmark
    /// Whether the last line is a JSON object.
    let json: Bool

    private var execution: Execution { Execution.current }

    func write(_ result: Benchmark.TrainingResult) throws {
        try writeShape()
        try writeLine(
            "rate           \(grouped(Int(result.tokensPerSecond))) tokens/s (\(counted(result.steps, "step")), "
                + "optimizer \(benchmark.optimizer.method.rawValue))")
        try writeLine(
            "compute        \(fixed(result.flops / 1e9, 0)) GFLOP/s, \(percent(result.flops / result.peakFlops)) of the "
                + "peak of \(fixed(result.peakFlops / 1e9, 0)) GFLOP/s with \(counted(execution.threads, "thread"))"
        )
        try writeMemory(Benchmark.peakMemory)
        let table = result.profile.map { ProfileTable($0, peakFlops: result.peakFlops) }
        try table?.write()
        try writeJSON(
            [
                ("tokens_per_second", result.tokensPerSecond), ("best_tokens_per_second", result.bestTokensPerSecond),
                ("gflops", result.flops / 1e9), ("peak_gflops", result.peakFlops / 1e9),
                ("steps", Double(result.steps)),
            ], table.map { [("profile", $0.json)] } ?? [], memory: Benchmark.peakMemory)
    }

    func write(_ result: Benchmark.GenerationResult) throws {
        let share = percent(result.bytesPerSecond / result.peakBytesPerSecond)
        try writeModel()
        try writeLine(
            "rate           \(grouped(Int(result.tokensPerSecond))) tokens/s, one sequence of \(result.tokens)")
        try writeLine(
            "reading        \(fixed(result.bytesPerSecond / 1e9, 1)) GB/s, \(share) of the "
                + "memory bandwidth of \(fixed(result.peakBytesPerSecond / 1e9, 1)) GB/s with "
                + "\(counted(execution.threads, "thread"))"
        )
        try writeMemory(result.peakMemory)
        try writeJSON(
            [
                ("tokens_per_second", result.tokensPerSecond), ("tokens", Double(result.tokens)),
                ("bytes_per_second", result.bytesPerSecond), ("peak_bytes_per_second", result.peakBytesPerSecond),
            ], memory: result.peakMemory)
    }

    func write(_ result: Benchmark.ScaleResult) throws {
        try writeShape()
        try writeLine("ranks          \(result.ranks), each of \(counted(execution.threads, "thread"))")
        try writeLine(
            "alone          \(grouped(Int(result.tokensPerSecondAlone))) tokens/s on a rank that exchanges nothing")
        try writeLine(
            "together       \(grouped(Int(result.tokensPerSecond))) tokens/s (\(counted(result.steps, "step"))), "
                + "\(percent(result.efficiency)) of \(result.ranks) times that")
        try writeLine(
            "exchange       \(fixed(1e3 * result.exchangeSeconds, 2)) ms by itself, in which each rank sends "
                + "\(bytes(result.bytesSent)); in a step \(fixed(1e3 * result.exposedSeconds, 2)) ms after the backward pass, "
                + "so that \(percent(result.hiddenShare)) are hidden behind it")
        try writePredictions(result)
        var figures = [
            ("ranks", Double(result.ranks)), ("tokens_per_second", result.tokensPerSecond),
            ("tokens_per_second_alone", result.tokensPerSecondAlone), ("efficiency", result.efficiency),
            ("exchange_seconds", result.exchangeSeconds), ("exposed_seconds", result.exposedSeconds),
            ("hidden_share", result.hiddenShare), ("bytes_sent", Double(result.bytesSent)),
            ("steps", Double(result.steps)),
        ]
        if let model = result.model {
            figures.append(("latency_seconds", model.latency))
            if let rate = model.bytesPerSecond { figures.append(("bytes_per_second", rate)) }
        }
        try writeJSON(
            figures, [("by_ranks", .array(predictions(result).map(object)))], memory: Benchmark.peakMemory)
    }

    // MARK: Predictions

    /// The predicted speed of a number of ranks, and the measured time of an exchange where there is one.
    private struct Prediction {
        let ranks: Int
        /// The measured time of an exchange of gradients; nil if it was not measured.
        let measuredSeconds: Double?
        /// The predicted time of an exchange of gradients.
        let seconds: Double
        let tokensPerSecond: Double
        let efficiency: Double
    }

    /// Predictions for the numbers of ranks that were measured, and for more ranks, up to 64.
    private func predictions(_ result: Benchmark.ScaleResult) -> [Prediction] {
        guard let model = result.model else { return [] }
        let measured = result.exchanges
        let more = [2, 4, 8, 16, 32, 64].filter { $0 > result.ranks }
        return (measured.map { ($0.ranks, $0.seconds) } + more.map { ($0, nil) }).map { ranks, seconds in
            let efficiency = result.efficiency(ranks: ranks)
            return Prediction(
                ranks: ranks, measuredSeconds: seconds, seconds: model.seconds(ranks: ranks),
                tokensPerSecond: Double(ranks) * result.tokensPerSecondAlone * efficiency, efficiency: efficiency)
        }
    }

    private func writePredictions(_ result: Benchmark.ScaleResult) throws {
        guard let model = result.model else { return }
        let rate = model.bytesPerSecond.map { "\(fixed($0 / 1e9, 2)) GB/s from each rank" }
        try writeLine(
            "network        latency \(fixed(1e6 * model.latency, 1)) us, "
                + (rate ?? "bandwidth not measurable with so few gradients"))
        try writeLine()
        try writeLine(
            "Predictions from the exchange of 2 ranks, for machines as fast as this one with such a network, if nothing is "
                + "hidden:")
        let headings = ["ranks", "exchange, ms", "measured, ms", "tokens/s", "of linear"]
        let cells = predictions(result).map { prediction in
            [
                // The prediction for two ranks is what was measured.
                "\(prediction.ranks)", prediction.ranks == 2 ? "" : fixed(1e3 * prediction.seconds, 2),
                prediction.measuredSeconds.map { fixed(1e3 * $0, 2) } ?? "",
                grouped(Int(prediction.tokensPerSecond)), percent(prediction.efficiency),
            ]
        }
        for line in aligned([headings] + cells, left: [], indentation: 2) { try writeLine(line) }
    }

    private func object(_ prediction: Prediction) -> JSON {
        var members: [(String, JSON)] = [
            ("ranks", .int(prediction.ranks)), ("exchange_seconds", .double(prediction.seconds)),
            ("tokens_per_second", .double(prediction.tokensPerSecond)), ("efficiency", .double(prediction.efficiency)),
        ]
        if let seconds = prediction.measuredSeconds { members.append(("measured_exchange_seconds", .double(seconds))) }
        return .object(JSONObject(members))
    }

    func write(_ ops: OpBenchmark, seconds: Double) throws {
        let peakFlops = execution.measuredPeak(seconds: 0.5), peakBytes = Benchmark.measuredBandwidth(seconds: 0.5)
        let sections = ops.run(seconds: seconds)
        try writeShape()
        try writeLine(
            "peak           \(fixed(peakFlops / 1e9, 0)) GFLOP/s, memory bandwidth \(fixed(peakBytes / 1e9, 1)) GB/s, "
                + "\(counted(execution.threads, "thread"))")
        for section in sections {
            try writeLine()
            try writeLine("\(section.title):")
            let heads = ["", "", "", "ms", "GFLOP/s", "GB/s", "of peak"]
            let cells = section.results.map { result in
                let share =
                    result.flops > 0
                    ? result.flops / result.seconds / peakFlops : result.bytes / result.seconds / peakBytes
                return [
                    result.name, result.shape, result.pass?.rawValue ?? "", fixed(1e3 * result.seconds, 3),
                    result.flops > 0 ? fixed(result.flops / result.seconds / 1e9, 0) : "",
                    result.bytes > 0 ? fixed(result.bytes / result.seconds / 1e9, 1) : "",
                    result.flops > 0 || result.bytes > 0 ? percent(share) : "",
                ]
            }
            for line in aligned([heads] + cells, left: [0, 1, 2], indentation: 2) { try writeLine(line) }
        }
        let results = sections.flatMap { section in section.results.map { object($0, in: section) } }
        try writeJSON(
            [("peak_gflops", peakFlops / 1e9), ("peak_bytes_per_second", peakBytes)], [("results", .array(results))],
            memory: Benchmark.peakMemory)
    }

    // MARK: Text

    private func writeModel() throws {
        try writeLine("parameters     \(grouped(benchmark.configuration.parameterCount))")
        let sets = InstructionSet.available.map { set in
            set == execution.instructionSet ? "\(set.rawValue) (used)" : set.rawValue
        }
        try writeLine("instructions   \(sets.joined(separator: ", "))")
    }

    private func writeShape() throws {
        try writeModel()
        try writeLine("step           \(grouped(benchmark.batch)) x \(grouped(benchmark.length)) tokens")
    }

    private func writeMemory(_ size: Int) throws { try writeLine("memory         \(bytes(size)) at peak") }

    private func percent(_ share: Double) -> String { "\(fixed(100 * share, 0)) %" }

    // MARK: JSON

    /// Writes the conditions, the figures and the additional members.
    private func writeJSON(
        _ figures: [(String, Double)], _ more: [(String, JSON)] = [], memory: Int
    ) throws {
        guard json else { return }
        let shape = benchmark.configuration
        let conditions: [(String, JSON)] = [
            ("engine", "swift-gpt"), ("what", .string(subject.rawValue)),
            ("preset", .string(preset?.rawValue ?? "default")),
            ("family", .string(shape.family?.rawValue ?? "transformer")),
            ("precision", .string(execution.weightFormat.rawValue)), ("threads", .int(execution.threads)),
            ("instruction_set", .string(execution.instructionSet.rawValue)),
            ("instruction_sets", .array(InstructionSet.available.map { .string($0.rawValue) })),
            ("optimizer", .string(benchmark.optimizer.method.rawValue)),
        ]
        let lengths = [
            ("layers", shape.layers), ("heads", shape.heads), ("width", shape.width),
            ("context", shape.contextLength), ("vocabulary", shape.vocabularySize), ("batch", benchmark.batch),
            ("length", benchmark.length),
        ].map { ($0.0, JSON.int($0.1)) }
        let numbers = (figures + [("peak_rss_mb", Double(memory / (1 << 20)))]).map { ($0.0, JSON.double($0.1)) }
        try writeLine(JSON.object(JSONObject(conditions + lengths + numbers + more)).serialized())
    }

    private func object(_ result: OpBenchmark.Result, in section: OpBenchmark.Section) -> JSON {
        var members: [(String, JSON)] = [
            ("section", .string(section.title)), ("name", .string(result.name)), ("shape", .string(result.shape)),
        ]
        if let pass = result.pass { members.append(("pass", .string(pass.rawValue))) }
        members.append(("milliseconds", .double(1e3 * result.seconds)))
        if result.flops > 0 { members.append(("gflops", .double(result.flops / result.seconds / 1e9))) }
        if result.bytes > 0 { members.append(("bytes_per_second", .double(result.bytes / result.seconds))) }
        return .object(JSONObject(members))
    }
}
