import ArgumentParser
import GPTKit

/// The default sizes of a command's models, as its help gives them.
protocol SizeDefaults {
    static var layers: String { get }
    static var heads: String { get }
    static var width: String { get }
    static var context: String { get }
}

/// The sizes of the models that a command makes.
struct SizeOptions<Defaults: SizeDefaults>: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Transformer blocks: 1 to 4096. (default: \(Defaults.layers))", valueName: "number"))
    var layers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Attention heads per block; the width must be a multiple of it. (default: \(Defaults.heads))",
            valueName: "number"))
    var heads: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The embedding width: the length of a token's vector. (default: \(Defaults.width))", valueName: "number"))
    var width: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The context length: the maximum number of tokens that the model attends to. (default: \(Defaults.context))",
            valueName: "tokens"))
    var context: Int?

    /// The options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--layers", layers != nil), ("--heads", heads != nil), ("--width", width != nil),
            ("--context", context != nil),
        ]
        return options.filter(\.1).map(\.0)
    }

    /// The given sizes of a transformer, but for its context.
    var transformer: TransformerOptions {
        var options = TransformerOptions()
        options.layers = layers
        options.heads = heads
        options.width = width
        return options
    }
}
