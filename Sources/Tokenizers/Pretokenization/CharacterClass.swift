/// The classes of characters that split patterns distinguish, as bits, so that a class in an expression is a union of them.
struct CharacterClass: OptionSet {
    let rawValue: UInt8

    /// Upper and title case letters: `\p{Lu}` and `\p{Lt}`.
    static let upper = CharacterClass(rawValue: 1 << 0)
    /// Lower case letters: `\p{Ll}`.
    static let lower = CharacterClass(rawValue: 1 << 1)
    /// Letters without case: `\p{Lm}` and `\p{Lo}`.
    static let caseless = CharacterClass(rawValue: 1 << 2)
    /// `\p{M}`.
    static let mark = CharacterClass(rawValue: 1 << 3)
    /// `\p{N}`.
    static let number = CharacterClass(rawValue: 1 << 4)
    /// `\s` except for CR and LF.
    static let space = CharacterClass(rawValue: 1 << 5)
    /// `[\r\n]`.
    static let lineBreak = CharacterClass(rawValue: 1 << 6)
    /// All others, and every byte that is not part of valid UTF-8.
    static let other = CharacterClass(rawValue: 1 << 7)

    /// `\p{L}`
    static let letter: CharacterClass = [.upper, .lower, .caseless]
    /// `\s`
    static let whitespace: CharacterClass = [.space, .lineBreak]
    /// `[^\s\p{L}\p{N}]`
    static let punctuation: CharacterClass = [.mark, .other]
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
    static let notLower: CharacterClass = [.upper, .caseless, .mark]
    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
    static let notUpper: CharacterClass = [.lower, .caseless, .mark]
}
