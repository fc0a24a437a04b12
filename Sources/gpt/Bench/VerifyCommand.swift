import ArgumentParser
import GPTKit
import StrictJSON
import Verification

/// `gpt verify`: compares the engine with reference values that another program computed in double precision.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare logits, gradients and AdamW steps with reference values from PyTorch.",
        discussion: """
            Prints the largest difference of the logits, the loss and the gradients, and of the losses and weights over \
            several AdamW steps. The exit status is 0 if each difference is within its tolerance, otherwise 1. The \
            environment variable GPT_KERNELS selects the kernels of another instruction set: scalar, avx2, avx512, \
            avx512bf16, neon or neonbf16.

              gpt verify Tests/Fixtures/llama-tiny

            The scripts in Tests/References write such directories with PyTorch.
            """)

    @Argument(
        help:
            "A model directory that also contains expected.safetensors and, optionally, train.safetensors and inputs.json."
    )
    var directory: String

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws { try requireNames(directory) }

    func run() throws {
        try reportingFailures {
            try execution.execute {
                let differences = try ReferenceCheck(
                    directory: directory, acceptingEdits: files.acceptEditedFiles
                ).run()
                let passed = differences.allSatisfy(\.isWithin)
                for difference in differences {
                    let mark = difference.isWithin ? "ok  " : "FAIL"
                    let name = difference.name + String(repeating: " ", count: max(1, 28 - difference.name.count))
                    try writeLine(
                        "\(mark) \(name)\(scientific(difference.largest))  (at most \(scientific(difference.tolerance)))"
                            + (difference.isWithin ? "" : "  at \(difference.place)"))
                }
                let how =
                    "\(Execution.current.instructionSet.rawValue), \(counted(Execution.current.threads, "thread"))"
                try writeLine(passed ? "verified (\(how))" : "not verified (\(how))")
                if json {
                    var object = JSONObject([("passed", .bool(passed))])
                    for difference in differences { object[difference.name] = .double(difference.largest) }
                    try writeLine(JSON.object(object).serialized())
                }
                if !passed { throw ExitCode.failure }
            }
        }
    }
}
