import ArgumentParser
import GPTKit

/// `gpt logits`: what a model makes of given ids, as numbers.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Compute a model's logits for given ids, to compare with those of another program.",
        discussion: """
            For each position of each row the model gives every token of its vocabulary a number, the logit: softmax \
            makes of them the probabilities of the next token. They are computed in 32-bit floats and written as the \
            tensor logits (B, T, V) of a safetensors file.

              echo '{"input_ids": [[18, 47, 56], [57, 58, 1]]}' > ids.json
              gpt logits model --ids ids.json --out logits.safetensors

            In Python these are, but for rounding, what transformers computes:

              import json, torch, safetensors.torch
              from transformers import AutoModelForCausalLM
              ids = torch.tensor(json.load(open("ids.json"))["input_ids"])
              theirs = AutoModelForCausalLM.from_pretrained("model")(ids).logits
              ours = safetensors.torch.load_file("logits.safetensors")["logits"]
              print((theirs - ours).abs().max().item())
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "Rows of ids, all of one length, as JSON: {\"input_ids\": [[...], ...]}; - for standard input.",
            valueName: "file"))
    var ids: String

    @Option(help: ArgumentHelp("The safetensors file to write.", valueName: "file"))
    var out: String

    func validate() throws {
        try requireName(out)
        try requireNames(ids)
    }

    func run() throws {
        try reportingFailures {
            try model.execution.execute {
                let saved = try model.files.load(model.model)
                try saved.requireFiniteWeights()
                let model = saved.model
                let ids = try TokenIDs(
                    path: ids, vocabularySize: model.vocabularySize, contextLength: model.contextLength)
                try LogitsFile.write(ids, of: saved, to: out)
                note("Wrote the logits (\(ids.rows.count), \(ids.length), \(model.vocabularySize)) to \(out).")
            }
        }
    }
}
