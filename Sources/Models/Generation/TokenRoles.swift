/// Which tokens of a vocabulary begin and end a text, pad it, and are never generated: the `bos_token_id`, `eos_token_id`,
/// `pad_token_id`, `suppress_tokens` and `bad_words_ids` of Hugging Face's transformers.
public struct TokenRoles: Sendable, Hashable {
    /// The token before a text; nil if there is none.
    public var beginning: Int32?

    /// The tokens that end a text. Generation stops at each of them.
    public var ends: [Int32]

    /// The token that fills the rows of a batch; nil if there is none.
    public var padding: Int32?

    /// Tokens that are never generated, because the model was not trained with them.
    public var suppressed: [Int32]

    /// Sequences of two tokens or more that a translation does not contain: the last token of each is not generated after the
    /// others. Language models generate them nevertheless.
    public var bannedSequences: [[Int32]]

    public init(
        beginning: Int32? = nil, ends: [Int32] = [], padding: Int32? = nil, suppressed: [Int32] = [],
        bannedSequences: [[Int32]] = []
    ) {
        self.beginning = beginning
        self.ends = ends
        self.padding = padding
        self.suppressed = suppressed
        self.bannedSequences = bannedSequences
    }
}
