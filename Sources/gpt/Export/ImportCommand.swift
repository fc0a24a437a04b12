import ArgumentParser
import GPTKit

/// `gpt import`: imports a model of another program.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Convert a Hugging Face or GGUF model to a model directory.",
        discussion: """
            The source is a directory in the format of Hugging Face's transformers (one or several safetensors files), or \
            a GGUF file with weights in F32, F16, BF16 or Q8_0. Everything in it is checked before the model directory \
            is written.

              gpt import ~/models/gpt2 gpt2
              gpt import model.gguf model

            The files of a directory are copied; where the file system supports it, the copies share disk space with the \
            originals. Importing is optional: every command that has a MODEL argument can also use such a directory or \
            file directly.

              gpt generate model.gguf --prompt "Once"
              gpt train --from model.gguf --text notes.txt
            """)

    @Argument(help: ArgumentHelp("A directory in the format of transformers, or a GGUF file.", valueName: "source"))
    var source: String

    @Argument(help: ArgumentHelp("The directory to create; it must be new or empty.", valueName: "out"))
    var out: String

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws {
        try requireName(out)
        try requireNames(source)
    }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                let report = try ModelImport.run(source, to: out, acceptingEdits: files.acceptEditedFiles)
                try writeLine(
                    "\(out): \(report.modelType), \(large(Double(report.parameterCount))) parameters"
                        + (report.isInPlace ? ", copied unchanged" : ", converted to f32"))
                for remark in report.remarks { note(remark) }
            }
        }
    }
}
