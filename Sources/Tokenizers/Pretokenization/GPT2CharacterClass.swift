/// The classes of characters that GPT-2's expression distinguishes, for programs in other languages that split texts as
/// `SplitPattern.gpt2` does.
package enum GPT2CharacterClass: Int, Sendable {
    case other, letter, number, whitespace

    /// The code points at which the class changes, the first of which is 0, and the class that begins there.
    package static let changes: [(point: Int, class: Self)] = unicodeClassChanges.reduce(into: [(0, .other)]) {
        changes, change in
        let newClass: Self =
            switch change & 7 {
            case 0, 1, 2: .letter
            case 4: .number
            case 5, 6: .whitespace
            default: .other
            }
        if changes[changes.count - 1].class != newClass { changes.append((Int(change >> 3), newClass)) }
    }
}
