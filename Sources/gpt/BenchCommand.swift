import ArgumentParser
import GPTKit

/// `gpt bench`: how fast this machine trains and generates.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine trains and generates.",
        discussion: """
            Speed depends on the shape of a model, not on its text, so this runs on random tokens and needs no file. \
            --preset names a well-known shape; any part of it can be changed.

              gpt bench train --preset char-base --precision bf16
              gpt bench train --profile
              gpt bench train --preset char-base --family llama
              gpt bench generate --layers 6 --heads 6 --width 384 --context 256
              gpt bench ops --preset gpt2-124M

            train: whole steps of forward, backward, clipping and AdamW, by the median step. Its arithmetic is 6 \
            operations for each parameter that multiplies and 12 x layers x width x length for attention, for each \
            token; it is held against the multiply-add rate that the same threads reach on registers alone, measured just \
            before.

            generate: one sequence, in turns with reading a gigabyte of memory, at least three of each; the best count. \
            Each token needs every weight once, and the keys and values before it: these bytes a second are held against \
            the rate at which the same threads read memory. A model that fits in a cache can be faster.

            ops: each op alone, forward and backward, and each matrix product, also of odd shapes. GFLOP/s is of those \
            limited by arithmetic (attention counts all scores, although half of them are masked), GB/s of those limited \
            by memory, each with its share of what the machine can do.

            Other programs that run at the same time make every figure worse.
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case train, generate, ops
    }

    @Argument(help: "What to measure: train, generate or ops.")
    var subject: Subject

    @Option(help: "The shape: \(ModelPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var preset = ModelPreset.charSmall

    @Option(
        help: ArgumentHelp(
            "What the model is made of, as for 'gpt train': gpt2, llama or qwen3. With train and generate.",
            valueName: "family"))
    var family = TransformerConfiguration.Family.gpt2

    @Option(help: "The numbers that products are computed with: f32, bf16, or for generate int8.")
    var precision = Precision.float32

    @Option(parsing: .unconditional, help: ArgumentHelp("How long to measure, about.", valueName: "seconds"))
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
        if subject == .generate, batch != nil || length != nil {
            throw ValidationError("--batch and --length are for training steps; 'gpt bench generate' has none.")
        }
        if subject == .ops, family != .gpt2 {
            throw ValidationError("'gpt bench ops' knows the ops of gpt2; --family is for train and generate.")
        }
        guard seconds > 0, seconds < 1e6 else {
            throw ValidationError("--seconds is \(seconds.spelling); it must be more than 0 and less than a million.")
        }
        if precision == .int8, subject != .generate {
            throw ValidationError("int8 is for generation; choose --precision f32 or bf16.")
        }
        try checkingUsage { try benchmark() }
    }

    func run() throws {
        try reportingFailures {
            let benchmark = try benchmark()
            try checkMemory(benchmark)
            try execution.execute(in: precision) {
                let report = BenchReport(
                    subject: subject, preset: preset, family: family, benchmark: benchmark, json: json)
                switch subject {
                case .train: try report.write(benchmark.train(seconds: seconds, isProfiled: profile))
                case .generate: try report.write(benchmark.generate(seconds: seconds))
                case .ops: try report.write(OpBenchmark(benchmark), seconds: seconds)
                }
            }
        }
    }

    /// The preset's shape with what was asked for in its place.
    private func benchmark() throws -> Benchmark {
        let shape = preset.settings.shape
        let configuration = TransformerConfiguration(
            family, vocabularySize: vocabulary ?? (preset == .gpt2 ? 50_257 : 65),
            contextLength: context ?? shape.context,
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
        // An op alone needs less than a step.
        case .train, .ops:
            try MemoryEstimate(training: shape, batch: benchmark.batch, length: benchmark.length).check()
        case .generate:
            let estimate = MemoryEstimate(generatingWith: shape, in: precision)
            guard estimate.isAvailable else {
                throw CommandFailure(
                    "the model is too large for this machine: generating with \(large(estimate.parameters)) parameters "
                        + "needs about \(fixed(estimate.bytes / 1e9, 1)) GB; choose fewer --layers, a smaller --width, "
                        + "--context or --vocabulary")
            }
        }
    }
}
