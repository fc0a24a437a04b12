/// The text for training when there is no other: "The Tongue of Clemence", a play in five acts by the swift-gpt
/// authors.
///
/// `gpt train` needs no file, but it downloads tiny Shakespeare, and a machine may have no network. So the package has
/// a text of its own: an original play in the manner of the Elizabethans, written for this purpose, under the MIT
/// licence like the rest. It is Swift source, not a resource, so that it is part of a single static binary.
///
/// The layout is that of tiny Shakespeare, so that what is known of one is true of the other: a speaker's name and a
/// colon on a line, then the lines of the speech, then a blank line. There are no stage directions. Blank verse is for
/// the noble and prose for the rest. The text is ASCII, so that a character tokenizer's alphabet stays small, and it
/// uses every letter of the alphabet in both cases, so that a prompt in letters, spaces and plain punctuation can be
/// encoded.
///
/// The argument: the Duke of Orsany, who cannot sleep, allows the harbour bell to be silenced for one night.
public enum BuiltInCorpus {
    /// The title of the play.
    public static let title = "The Tongue of Clemence"

    /// The whole play, about fifty thousand characters, ending in a newline.
    public static var text: String {
        [actOne, actTwo, actThree, actFour, actFive].joined(separator: "\n\n") + "\n"
    }
}

extension BuiltInCorpus {
    /// The play as a text to train on.
    public static var named: NamedText { NamedText(name: "the built-in play", text: text) }
}
