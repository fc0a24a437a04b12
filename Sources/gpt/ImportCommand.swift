import ArgumentParser
import GPTKit

/// `gpt import`: a model of another program.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a model of another program.",
        discussion: """
            From a directory of Hugging Face's transformers (safetensors, one file or several) or a GGUF file of \
            llama.cpp in F32, F16, BF16 or Q8_0 it makes a directory like those of 'gpt train', after checking \
            everything in it.

              gpt import ~/models/gpt2 gpt2
              gpt import model.gguf model

            The files of a directory are copied, and share their space with the originals where the file system supports \
            that. Nothing has to be imported to be used: wherever a command takes a MODEL, such a directory or file can \
            stand as it is.

              gpt generate model.gguf --prompt "Once"
              gpt train --from model.gguf --text notes.txt
            """)

    @Argument(help: ArgumentHelp("A directory of transformers, or a GGUF file.", valueName: "source"))
    var source: String

    @Argument(help: ArgumentHelp("The directory to make, which must be new or empty.", valueName: "out"))
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
                        + (report.isInPlace ? ", copied as they are" : ", converted to f32"))
                for remark in report.remarks { note(remark) }
            }
        }
    }
}
