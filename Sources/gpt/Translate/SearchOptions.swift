import ArgumentParser
import GPTKit

/// How a translation is searched.
struct SearchOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of hypotheses that are continued at the same time, 1 to 1024; 1 is greedy search. (default: the model's, "
                + "or 1)",
            valueName: "number"))
    var beams: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The exponent of the length in the score of a translation: above 0 favours long translations, below 0 short ones. "
                + "Has no effect with one beam. (default: the model's, or 1)",
            valueName: "number"))
    var lengthPenalty: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The maximum number of tokens of a translation, with the token that ends it, 1 or more. (default: the model's, or "
                + "its context length)",
            valueName: "tokens"))
    var maxLength: Int?

    /// The options that were given.
    var given: [String] {
        [("--beams", beams != nil), ("--length-penalty", lengthPenalty != nil), ("--max-length", maxLength != nil)]
            .filter(\.1).map(\.0)
    }

    func validate() throws {
        if let beams, !(1...1024).contains(beams) {
            throw ValidationError("--beams is \(beams); it must be between 1 and 1024.")
        }
        if let lengthPenalty, !(lengthPenalty.magnitude <= 100) {
            throw ValidationError("--length-penalty is \(lengthPenalty.spelling); it must be between -100 and 100.")
        }
        if let maxLength, maxLength < 1 { throw ValidationError("--max-length is \(maxLength); it must be 1 or more.") }
    }

    /// Applies the options to a translator.
    /// - Parameters:
    ///   - translator: the translator.
    ///   - model: the name of its model in messages.
    func apply(to translator: inout Translator, _ model: String) throws {
        if let beams { translator.settings.beams = beams }
        if let lengthPenalty { translator.settings.lengthPenalty = lengthPenalty }
        guard let maxLength else { return }
        let context = translator.model.configuration.contextLength
        if maxLength > context {
            throw CommandFailure(
                "--max-length \(maxLength) is more than the context of \(model), which is \(counted(context, "token"))")
        }
        translator.settings.maximumLength = maxLength
    }
}
