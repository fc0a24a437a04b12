import ArgumentParser
import GPTKit

extension TaskKind: ExpressibleByArgument {}

/// What the model learns.
struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the model learns: to continue a text (text), to fill in masked words of a text (masked), to assign labels to "
                + "texts (classify), or to translate (translate). masked and classify train an "
                + "encoder (BERT), translate an encoder-decoder (Marian). (default: text)",
            valueName: "task"))
    var task: TaskKind?

    /// The task of a new run.
    var kind: TaskKind { task ?? .text }
}
