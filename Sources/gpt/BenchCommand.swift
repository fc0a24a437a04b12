import ArgumentParser
import GPTKit
import StrictJSON

/// `gpt bench`: how fast this machine trains and generates.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine trains and generates.",
        discussion: """
            Speed depends on the shape of a model, not on its text, so this runs on random tokens and needs no file. \
            --preset names a well-known shape; any part of it can be changed.

              gpt bench train --preset char-small
              gpt bench generate --layers 6 --heads 6 --width 384 --context 256
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case train, generate
    }

    @Argument(help: "What to measure: train or generate.")
    var subject: Subject

    @Option(help: "The shape: \(ModelPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var preset = ModelPreset.charSmall

    @Option(help: "The numbers that products are computed with.")
    var precision = Precision.float32

    @Option(parsing: .unconditional, help: ArgumentHelp("How long to train.", valueName: "seconds"))
    var seconds = 8.0

    @OptionGroup var execution: ExecutionOptions

    @Option(parsing: .unconditional, help: "Blocks.") var layers: Int?
    @Option(parsing: .unconditional, help: "Attention heads of each block.") var heads: Int?
    @Option(parsing: .unconditional, help: "The length of the vectors between the blocks.") var width: Int?
    @Option(parsing: .unconditional, help: "The longest sequence.") var context: Int?
    @Option(parsing: .unconditional, help: "Different tokens.") var vocabulary: Int?
    @Option(parsing: .unconditional, help: "Sequences of a training step.") var batch: Int?
    @Option(
        parsing: .unconditional, help: "Tokens of each sequence of a training step. (default: the context, at most 256)"
    ) var length: Int?

    @Flag(help: "With train: print where a step's time went, op by op, as 'gpt train --profile' does.")
    var profile = false

    @Flag(help: "Print one JSON object as the last line.")
    var json = false

    func validate() throws {
        if profile, subject != .train { throw ValidationError("--profile is for 'gpt bench train'.") }
    }

    func run() throws {
        try reportingFailures {
            let benchmark = try benchmark()
            guard seconds > 0, seconds < 1e6 else {
                throw CommandFailure("--seconds is \(seconds); it must be more than 0 and less than a million")
            }
            try checkMemory(benchmark)
            try execution.execute(in: precision) {
                switch subject {
                case .train: try report(benchmark.train(seconds: seconds, isProfiled: profile), benchmark)
                case .generate: try report(benchmark.generate())
                }
            }
        }
    }

    /// The preset's shape with what was asked for in its place.
    private func benchmark() throws -> Benchmark {
        let shape = preset.settings.shape
        let configuration = TransformerConfiguration(
            vocabularySize: vocabulary ?? (preset == .gpt2 ? 50_257 : 65), contextLength: context ?? shape.context,
            layers: layers ?? shape.layers, heads: heads ?? shape.heads, width: width ?? shape.width)
        if let problem = configuration.problem { throw CommandFailure(problem) }
        let length = length ?? min(configuration.contextLength, 256)
        guard (1...configuration.contextLength).contains(length) else {
            throw CommandFailure(
                "--length is \(length); it must be between 1 and the context, \(configuration.contextLength)")
        }
        let batch = batch ?? preset.settings.batch
        guard (1...1 << 20).contains(batch) else {
            throw CommandFailure("--batch is \(batch); it must be between 1 and \(1 << 20)")
        }
        return Benchmark(configuration: configuration, batch: batch, length: length)
    }

    /// Refuses a shape that memory cannot hold, before any is taken for it.
    private func checkMemory(_ benchmark: Benchmark) throws {
        let shape = benchmark.configuration
        switch subject {
        case .train:
            try MemoryEstimate(training: shape, batch: benchmark.batch, length: benchmark.length).check()
        case .generate:
            let estimate = MemoryEstimate(generatingWith: shape)
            guard estimate.isAvailable else {
                throw CommandFailure(
                    "the model is too large for this machine: generating with \(large(estimate.parameters)) parameters "
                        + "needs about \(fixed(estimate.bytes / 1e9, 1)) GB; choose fewer --layers, a smaller --width, "
                        + "--context or --vocabulary")
            }
        }
    }

    /// What was measured, and the figures.
    private func object(_ figures: [(String, Double)], _ more: [(String, JSON)] = []) -> JSON {
        let conditions: [(String, JSON)] = [
            ("engine", "swift-gpt"), ("what", .string(subject.rawValue)), ("preset", .string(preset.rawValue)),
            ("precision", .string(precision.rawValue)), ("threads", .int(Execution.current.threads)),
            ("instruction_set", .string(Execution.current.instructionSet.rawValue)),
        ]
        let memory = ("peak_rss_mb", Double(Benchmark.peakMemory / (1 << 20)))
        return .object(JSONObject(conditions + (figures + [memory]).map { ($0.0, .double($0.1)) } + more))
    }

    private func report(_ result: Benchmark.TrainingResult, _ benchmark: Benchmark) throws {
        let parameters = benchmark.configuration.parameterCount
        try writeLine("parameters     \(grouped(parameters))")
        try writeLine("step           \(grouped(benchmark.batch)) x \(grouped(benchmark.length)) tokens")
        try writeLine("rate           \(grouped(Int(result.tokensPerSecond))) tokens/s (\(result.steps) steps)")
        try writeLine(
            "arithmetic     \(fixed(result.flops / 1e9, 0)) GFLOP/s, \(fixed(100 * result.flops / result.peakFlops, 0)) % "
                + "of the \(fixed(result.peakFlops / 1e9, 0)) that \(counted(Execution.current.threads, "thread")) reach"
        )
        try writeLine("memory         \(bytes(Benchmark.peakMemory)) at the most")
        let table = result.profile.map { ProfileTable($0, peakFlops: result.peakFlops) }
        try table?.write()
        if json {
            let figures = [
                ("tokens_per_second", result.tokensPerSecond), ("best_tokens_per_second", result.bestTokensPerSecond),
                ("gflops", result.flops / 1e9), ("peak_gflops", result.peakFlops / 1e9),
                ("steps", Double(result.steps)),
            ]
            try writeLine(object(figures, table.map { [("profile", $0.json)] } ?? []).serialized())
        }
    }

    private func report(_ result: (tokensPerSecond: Double, tokens: Int)) throws {
        try writeLine(
            "rate           \(grouped(Int(result.tokensPerSecond))) tokens/s, one sequence of \(result.tokens)")
        try writeLine("memory         \(bytes(Benchmark.peakMemory)) at the most")
        if json {
            let figures = [("tokens_per_second", result.tokensPerSecond), ("tokens", Double(result.tokens))]
            try writeLine(object(figures).serialized())
        }
    }
}
