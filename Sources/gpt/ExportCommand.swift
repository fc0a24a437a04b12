import ArgumentParser
import GPTKit

extension ExportFormat: ExpressibleByArgument {}
extension ExportPrecision: ExpressibleByArgument {}

/// `gpt export`: a model for other programs.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Make a model into a file that other programs run.",
        discussion: """
              hf            a directory for Hugging Face's transformers, and all that reads those
              gguf          a file for llama.cpp, ollama, LM Studio
              onnx          a graph for onnxruntime
              torchscript   a program for PyTorch's torch.jit.load

            Each has the tokenizer with it. What was written is read back before it gets its name and compared with the \
            model, in its logits or, of torchscript, in every weight: a file that is not the same model is removed, and \
            the command says why. transformers and llama.cpp know the families gpt2, llama and qwen3; a model with \
            options of its own can go to onnx and torchscript.

              gpt export model --to gguf model.gguf
              gpt export model --to gguf model-q8.gguf --precision q8_0
              gpt export model --to hf shared-model --precision bf16

            f32 is exact. bf16 and f16 take half the room, q8_0 about a quarter, and the model answers almost the same.
            """)

    @Argument(help: ArgumentHelp("A model: a directory or a GGUF file.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("The other program's format.", valueName: "format"))
    var to: ExportFormat

    @Argument(
        help: ArgumentHelp(
            "The file to write, or for hf the directory to make. A file is replaced, a directory must be new or empty.",
            valueName: "out"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "How numbers are stored: f32, f16 or bf16; for gguf also q8_0, for torchscript f32 only. (default: f32)",
            valueName: "precision"))
    var precision: ExportPrecision?

    @Flag(
        help: """
            For onnx: a graph that takes the keys and values of earlier tokens, and gives them back with its own, so that a \
            new token costs one step.
            """)
    var cache = false

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws {
        if cache, to != .onnx { throw ValidationError("--cache is for --to onnx only.") }
        try requireName(out)
        try requireNames(model)
        guard let precision, !to.precisions.contains(precision) else { return }
        let known = to.precisions.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("\(to.rawValue) has no form for numbers in \(precision.rawValue): choose of \(known).")
    }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                let precision = precision ?? to.precisions[0]
                let report = try ModelExport.run(
                    model, to: to, precision: precision, at: out, hasCache: cache,
                    acceptingEdits: files.acceptEditedFiles)
                var line = "\(out): \(bytes(report.size)), \(precision.rawValue)"
                switch report.difference {
                case nil: line += "; read back and checked"
                case 0?: line += "; read back, its logits are the model's"
                case let difference?:
                    line += "; read back, its logits differ from the model's by at most \(scientific(difference))"
                }
                try writeLine(line)
                for remark in report.remarks { note(remark) }
                for line in use(report.contextLength) { note(line) }
            }
        }
    }

    /// How the other program takes it, and is told the context where it would take another.
    private func use(_ context: Int?) -> [String] {
        switch to {
        case .hf:
            ["In Python: transformers.AutoModelForCausalLM.from_pretrained(\"\(out)\"), and AutoTokenizer likewise"]
        case .gguf:
            [
                "With llama.cpp: llama-completion -m \(out) -no-cnv\(context.map { " -c \($0)" } ?? "") -p \"...\"",
                "With ollama: a Modelfile of the line 'FROM \(out.hasPrefix("/") ? out : "./\(out)")'"
                    + (context.map { " and the line 'PARAMETER num_ctx \($0)'" } ?? ""),
            ]
        case .onnx:
            ["In Python: onnxruntime.InferenceSession(\"\(out)\")"]
                + (context.map { ["Prompt and continuation together have at most \(counted($0, "token"))."] } ?? [])
        case .torchscript: ["In Python: torch.jit.load(\"\(out)\")"]
        }
    }
}
