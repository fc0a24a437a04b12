import ArgumentParser
import ChatTemplates
import Files
import GPTKit

/// The text to learn from.
struct TextOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A text file in UTF-8, or a .jsonl file with a document on each line; both may be compressed (.gz, .zst). Or a pattern "
                + "of file names in quotes ('shards/*.txt'), or - for standard input. Can be repeated. Files may be larger than "
                + "memory. Several files are the documents of one text, and the end of each is marked with the end-of-text token. "
                + "'gpt train' also accepts a .jsonl file with a conversation on each line, a .bin file of token ids (nanoGPT, "
                + "llm.c), with the --tokenizer of its vocabulary, and a directory written by 'gpt data prepare'. (default: tiny "
                + "Shakespeare)",
            valueName: "file"))
    var text: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The fraction of the text, taken from its end, that is used for validation: 0.0001 to 0.9999. Of a table ('gpt train "
                + "--data') a random sample of the rows is used, for a classifier stratified by label. (default: 0.1)",
            valueName: "fraction"))
    var validation: Double?

    @Option(
        help: ArgumentHelp(
            "How special tokens in the text, such as <|endoftext|>, are treated: as an error (refuse), as plain text (text), "
                + "or as special tokens (allow). (default: text)"))
    var special: SpecialTokenTreatment?

    mutating func validate() throws {
        text = try matchingFiles(text)
        if let validation, !(0.0001...0.9999).contains(validation) {
            throw ValidationError("--validation is \(validation.spelling), which is not between 0.0001 and 0.9999.")
        }
    }
}

/// How the text is divided into documents.
struct DocumentOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The text between two documents in each text file; \\n is a newline. The end of each document is marked with the "
                + "end-of-text token, so that the model learns to end its texts. Files whose names end in .jsonl are documents "
                + "without this option: {\"text\": \"...\"} on each line. (default: a single file is one document, and no end is marked)",
            valueName: "text"))
    var documentSeparator: String?

    @Option(
        help: ArgumentHelp(
            "The chat template for conversations: chatml, llama3, gemma, mistral, plain, or a file in Jinja. Conversations are "
                + "lines {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, ...]} of a .jsonl file; the loss is "
                + "computed on the messages of the assistant only. (default: that of the model with --from, otherwise plain)",
            valueName: "name or file"))
    var chatTemplate: String?

    /// Those of these options that were given.
    var given: [String] {
        [("--document-separator", documentSeparator != nil), ("--chat-template", chatTemplate != nil)]
            .filter(\.1).map(\.0)
    }

    /// The template to record: a name, or the contents of a file.
    func template() throws -> String? {
        guard let chatTemplate, ChatTemplate.builtIn(named: chatTemplate) == nil else { return chatTemplate }
        return try TextFile.read(chatTemplate)
    }

    /// The separator with its escapes resolved.
    var separator: String? { documentSeparator.map(unescaped) }
}

/// How the text becomes tokens.
struct TokenizerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The tokenizer: char (characters of the text), byte, bpe:N (byte pair encoding with N tokens, trained on the "
                + "training part of each text as a whole, as 'gpt tokenizer train' does without --lines), wordpiece:N (WordPiece "
                + "with N tokens, in lower case, trained on the training part), a published vocabulary (gpt2, cl100k, o200k, "
                + "...), or a file (tokenizer.json, .tiktoken) or model directory. (default: char; "
                + "\(DefaultSettings.settings(for: .masked).tokenizer) for 'gpt train --task masked', "
                + "\(DefaultSettings.settings(for: .classify).tokenizer) for --task classify)",
            valueName: "kind"))
    var tokenizer: String?

    /// What was asked for; nil where nothing was.
    func choice() throws -> TokenizerSpecification? {
        try tokenizer.map { name in try checkingUsage { try TokenizerSpecification(asked: name) } }
    }

    func validate() throws {
        try requireNames(tokenizer)
        _ = try choice()
    }
}
