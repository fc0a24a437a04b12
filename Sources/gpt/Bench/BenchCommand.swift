import ArgumentParser
import GPTKit
import Verification

/// `gpt bench`: how fast this machine trains and generates.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the speed of training, generation and single operations on this machine.",
        discussion: """
            The speed depends on the architecture of a model, not on its text, so the benchmarks use random weights and \
            tokens and need no files. The default model is that of 'gpt train --steps': a Llama with 4 layers of width 128 and a \
            context of 128. --preset selects a known configuration; other options change single parts of it.

              gpt bench train --preset char-base --precision bf16
              gpt bench train --profile
              gpt bench train --preset char-base --family llama
              gpt bench generate --layers 6 --heads 6 --width 384 --context 256
              gpt bench ops --preset gpt2-124M

            train: complete training steps (forward pass, backward pass, clipping, update); the result is that of the median \
            step. The number of operations per token is 6 for each parameter used in a matrix product, plus \
            12 x layers x width x length for attention; the products of the optimizer muon are not counted. The operations per \
            second are compared with the peak of this machine, which is measured immediately before, by a loop of multiply-add \
            instructions on registers.

            generate: generates one sequence and reads a gigabyte of memory, in turn, three times or more; the best result of \
            each is reported. To generate one token, every weight is read once, and the keys and values of the previous tokens. \
            These bytes per second are compared with the memory bandwidth that the same threads reach. A model that fits in a \
            cache can exceed 100 %.

            ops: each operation separately, forward and backward, and each matrix product, also with irregular shapes. \
            Compute-bound operations are reported in GFLOP/s (for attention, masked scores are counted too), memory-bound \
            ones in GB/s, each with its percentage of the peak.

            scale: how fast several processes (ranks) train one model, each of them with a batch of its own in every step. Start \
            it with mpirun: 'mpirun -np 2 gpt bench scale'. Steps without an exchange of gradients are measured first, then steps \
            with one, then exchanges by themselves. Gradients are exchanged while the backward pass still computes others; only \
            the part of an exchange that remains after the backward pass makes a step longer. The speed of more ranks is estimated from \
            the measured latency and bandwidth.

            Each result names the instruction sets of this machine. The environment variable GPT_KERNELS selects one, for \
            example GPT_KERNELS=avx2.

            Other programs that run at the same time make all results worse.
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case train, generate, ops, scale
    }

    @Argument(help: "What to measure: train, generate, ops or scale.")
    var subject: Subject

    @Option(help: ArgumentHelp("\(ModelPreset.help) (default: that of 'gpt train --steps')", valueName: "name"))
    var preset: ModelPreset?

    @Option(
        help: ArgumentHelp(
            "The transformer family: gpt2, llama or qwen3. (default: the preset's; llama without --preset)",
            valueName: "family"))
    var family: TransformerConfiguration.Family?

    @Option(help: "The number format of matrix products: f32 or bf16; for generate also int8.")
    var precision = WeightFormat.float32

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The approximate duration of the measurement, above 0.", valueName: "seconds"))
    var seconds = 8.0

    @OptionGroup var execution: ExecutionOptions

    /// The sizes of `gpt bench`.
    enum Sizes: SizeDefaults {
        static let layers = "4, or the preset's"
        static let heads = "4, or the preset's"
        static let width = "128, or the preset's"
        static let context = "128, or the preset's"
    }

    @OptionGroup var size: SizeOptions<Sizes>

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The vocabulary size. (default: 65; 50257 for gpt2-124M)", valueName: "tokens"))
    var vocabulary: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The batch size: sequences per training step, 1 to 1048576. (default: 8, or the preset's)",
            valueName: "number"))
    var batch: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Tokens per sequence of a training step, 1 to the context. (default: the context, at most 256)",
            valueName: "tokens"))
    var length: Int?

    @Flag(help: "For train: also print the time per training step by operation, as 'gpt train --profile' does.")
    var profile = false

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws {
        if profile, subject != .train { throw ValidationError("--profile applies to 'gpt bench train' only.") }
        if subject == .generate, batch != nil || length != nil {
            throw ValidationError("--batch and --length do not apply to 'gpt bench generate': leave them out.")
        }
        guard seconds > 0, seconds < 1e6 else {
            throw ValidationError("--seconds is \(seconds.spelling); it must be more than 0 and less than a million.")
        }
        if subject != .generate, precision.productPrecision == nil {
            throw ValidationError("--precision int8 applies to 'gpt bench generate' only; choose f32 or bf16.")
        }
        try checkingUsage { try benchmark() }
    }

    func run() throws {
        try reportingFailures {
            if subject != .scale { return try measure(TrainingRanks.current) }
            try TrainingRanks.run { ranks in
                ranks.beginTogether()
                try measure(ranks)
            }
        }
    }

    private func measure(_ ranks: TrainingRanks) throws {
        let benchmark = try benchmark()
        try checkMemory(benchmark)
        var execution = execution
        execution.threads = execution.threads ?? ranks.threads
        try execution.execute(with: precision) {
            let report = BenchReport(
                subject: subject, preset: preset, benchmark: benchmark, json: json)
            switch subject {
            case .train: try report.write(benchmark.train(seconds: seconds, isProfiled: profile))
            case .generate: try report.write(benchmark.generate(seconds: seconds))
            case .ops: try report.write(OpBenchmark(benchmark), seconds: seconds)
            case .scale: try report.write(benchmark.scale(over: ranks.communicator, seconds: seconds))
            }
        }
    }

    /// The model and the batch to measure: those of the preset, changed by the options.
    private func benchmark() throws -> Benchmark {
        var settings = preset?.settings ?? DefaultSettings.settings(for: .gpt)
        if let context = size.context { settings.setContext(context) }
        settings.model.vocabularySize = vocabulary ?? (preset == .gpt2 ? 50_257 : 65)
        guard case .transformer(let known) = settings.model else {
            throw CommandFailure("the model is not a transformer")
        }
        var options = size.transformer
        options.family = family
        let configuration = known.with(options)
        if let problem = configuration.problem { throw CommandFailure(problem) }
        let length = length ?? min(configuration.contextLength, 256)
        guard (1...configuration.contextLength).contains(length) else {
            throw CommandFailure(
                "--length is \(length); it must be between 1 and the context, \(configuration.contextLength)")
        }
        let batch = batch ?? settings.batch
        guard (1...1 << 20).contains(batch) else {
            throw CommandFailure("--batch is \(batch); it must be between 1 and \(1 << 20)")
        }
        return Benchmark(
            configuration: configuration, batch: batch, length: length, optimizer: settings.optimizer)
    }

    /// Refuses a shape that memory cannot hold, before any is taken for it.
    private func checkMemory(_ benchmark: Benchmark) throws {
        let shape = benchmark.configuration
        switch subject {
        // An op alone needs less than a step.
        case .train, .ops, .scale:
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
