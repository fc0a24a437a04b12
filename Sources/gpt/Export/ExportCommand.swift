import ArgumentParser
import GPTKit

extension ExportFormat: ExpressibleByArgument {}
extension ExportPrecision: ExpressibleByArgument {}

/// `gpt export`: exports a model for other programs.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Convert a model to GGUF, ONNX, TorchScript or Hugging Face format.",
        discussion: """
              hf            a directory for Hugging Face's transformers and compatible programs
              gguf          a file for llama.cpp, ollama, LM Studio
              onnx          a graph for onnxruntime
              torchscript   a program for PyTorch's torch.jit.load

            Every export includes the tokenizer. The new file is written under a temporary name, read back and compared \
            with the model (its logits or, for torchscript, every weight) before it is renamed to the given path. If it \
            differs, it is removed and the command prints the reason.

            transformers and llama.cpp support the families gpt2, llama and qwen3; other language models can be exported to onnx \
            and torchscript only. Encoders (BERT) can be exported to hf, onnx and torchscript, encoder-decoders (Marian) to hf \
            and onnx. The onnx export of an encoder-decoder is a directory with three graphs, as those of Hugging Face's optimum.

              gpt export model --to gguf model.gguf
              gpt export model --to gguf model-q8.gguf --precision q8_0
              gpt export model --to hf shared-model --precision bf16

            f32 is exact. bf16 and f16 need half the space and q8_0 about a quarter, with almost the same logits.
            """)

    @Argument(help: ArgumentHelp("The model: a directory or a GGUF file.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("The output format.", valueName: "format"))
    var to: ExportFormat

    @Argument(
        help: ArgumentHelp(
            "The file to write, or the directory to create, for hf and for encoder-decoders. An existing file is replaced; a "
                + "directory must be new or empty.",
            valueName: "out"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "The number format of the weights: f32, f16 or bf16; for gguf also q8_0, for torchscript f32 only. (default: f32)",
            valueName: "precision"))
    var precision: ExportPrecision?

    @Flag(
        help: """
            For onnx: export a graph with a KV cache. It reads the keys and values of the previous tokens as \
            inputs and returns them with those of the new tokens, so each step computes one token only.
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
        throw ValidationError("\(to.rawValue) does not support \(precision.rawValue): choose from \(known).")
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
                case 0?: line += "; read back, its logits equal those of the model"
                case let difference?:
                    line +=
                        "; read back, its logits differ from those of the model by at most \(scientific(difference))"
                }
                try writeLine(line)
                for remark in report.remarks { note(remark) }
                for line in use(report) { note(line) }
            }
        }
    }

    /// The subject of a remark on the context length.
    private func subject(of model: ModelSpecification?) -> String {
        switch model {
        case .encoder: "A text"
        case .encoderDecoder: "A source and a target each"
        default: "Prompt and continuation together"
        }
    }

    /// Instructions for using the exported model. They include the context length if the other program would use a
    /// different one by default.
    private func use(_ report: ModelExport.Report) -> [String] {
        let context = report.contextLength
        return switch to {
        case .hf:
            [
                "In Python: transformers.\(report.model?.transformersClass ?? "AutoModel").from_pretrained(\"\(out)\"), and "
                    + "AutoTokenizer likewise"
            ]
        case .gguf:
            [
                "With llama.cpp: llama-completion -m \(out) -no-cnv\(context.map { " -c \($0)" } ?? "") -p \"...\"",
                "With ollama: a Modelfile with the line 'FROM \(out.hasPrefix("/") ? out : "./\(out)")'"
                    + (context.map { " and the line 'PARAMETER num_ctx \($0)'" } ?? ""),
            ]
        case .onnx:
            [
                report.model?.kind == .encoderDecoder
                    ? "In Python: optimum.onnxruntime.ORTModelForSeq2SeqLM.from_pretrained(\"\(out)\")"
                    : "In Python: onnxruntime.InferenceSession(\"\(out)\")"
            ]
                + (context.map { ["\(subject(of: report.model)) can have at most \(counted($0, "token"))."] } ?? [])
        case .torchscript: ["In Python: torch.jit.load(\"\(out)\")"]
        }
    }
}
