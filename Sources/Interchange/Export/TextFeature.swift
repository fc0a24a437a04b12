import Tokenizers

/// What occurs in texts and tokenizers treat each in its own way. An export is compared by a text with each.
package enum TextFeature: CaseIterable, Sendable {
    case whiteSpace, accents, digits, punctuation, specialTokens

    /// A text in which it occurs.
    func sample(for tokenizer: any Tokenizer) -> String {
        switch self {
        case .whiteSpace: " Two  spaces,\ta tab\r\n\n   and a\u{A0}space at the end \n "
        case .accents: "Cafe\u{301}, na\u{EF}ve \u{C5}ngstr\u{F6}m: \u{8336}\u{8449} \u{1F600}"
        case .digits: "1234567 and 3.14, x86 2nd 10\u{B2} \u{BD}"
        case .punctuation: "I'm sure they'LL; don't you? if (a_b != c) { return \"--\" } ..."
        case .specialTokens:
            // The first and the last, within a word and beside spaces.
            [tokenizer.specialTokens.first, tokenizer.specialTokens.last].compactMap { $0?.text }
                .map { "on\($0)the \($0) end" }.joined()
        }
    }
}
