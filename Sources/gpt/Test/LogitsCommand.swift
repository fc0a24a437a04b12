import ArgumentParser
import GPTKit

/// `gpt logits`: writes the logits of a model for given token ids.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Write the logits of a model for given token ids, for comparison with other programs.",
        discussion: """
            The model computes a logit for each token of its vocabulary at each position of each row; softmax turns these \
            into the probabilities of the next token. The logits are computed in f32 and written to a safetensors file, \
            as the tensor 'logits' of shape (rows, positions, vocabulary size).

              echo '{"input_ids": [[18, 47, 56], [57, 58, 1]]}' > ids.json
              gpt logits model --ids ids.json --out logits.safetensors

            For an encoder (BERT) the input may also have token_type_ids, and the logits are those of masked tokens \
            or, for a classifier, of the labels, of shape (rows, labels). If the encoder has no output layer for these, the output has last_hidden_state instead. For an \
            encoder-decoder (Marian) the input must also have decoder_input_ids.

            The logits equal those of transformers except for rounding. In Python:

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
            "A JSON file with rows of token ids of the same length, {\"input_ids\": [[...], ...]}; - for standard input.",
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
                let entries = try LogitsFile.write(try TokenIDs(path: ids, for: saved.model), of: saved, to: out)
                note("Wrote \(entries.map { "\($0.name) \($0.shape)" }.joined(separator: " and ")) to \(out).")
            }
        }
    }
}
