import ArgumentParser
import GPTKit

extension SpecialTokenTreatment: ExpressibleByArgument {
    static let help = ArgumentHelp(
        "How special tokens in a text or prompt, such as <|endoftext|>, are treated: as an error (refuse), as plain text (text), or "
            + "as special tokens (allow).")
}

/// How a command encodes texts and prompts for a model.
struct EncodingOptions: ParsableArguments {
    @Option(help: SpecialTokenTreatment.help) var special = SpecialTokenTreatment.text

    @Flag(
        help: """
            Leave out the special tokens that the template of the model's tokenizer (not a chat template) adds to every text, such \
            as <|begin_of_text|> at the beginning. Has no effect if it adds none.
            """)
    var noTemplate = false

    /// Applies the options to a model.
    func apply(to generator: inout TextGenerator) {
        generator.encoding.special = special.policy
        generator.encoding.addsTemplate = !noTemplate
    }

    /// Prints a remark if a text spells special tokens and the default applies to them.
    /// - Parameters:
    ///   - text: the text.
    ///   - name: what the remark calls it.
    ///   - encoding: how it is encoded.
    func remark(on text: String, called name: String, _ encoding: TextEncoding) {
        guard special == .text, let token = encoding.tokenizer.firstSpecialToken(in: text) else { return }
        note(specialTokenAsText(token, in: name))
    }
}

/// What happens where the model ends a text.
struct EndOptions: ParsableArguments {
    @Flag(
        help:
            "Continue after an end-of-text token (EOS), such as <|endoftext|>. Without this option generation stops there."
    )
    var ignoreEos = false
}

/// The remark on a special token that a text spells and that is encoded as plain text.
func specialTokenAsText(_ token: SpecialToken, in name: String) -> String {
    "\(name) contains the special token \(token.text), which is encoded as plain text; --special allow encodes it as the "
        + "token."
}
