import TestSupport

/// Random texts that are hard for tokenizers: every kind of character in short runs, and words that patterns treat
/// specially.
package enum RandomText {
    private static let pools = [
        "abcdefgh", "ABCXYZ", "  ", " \t", "\r\n", "0123456789", "!?.,;:-/\\()<|>'", "'sStTmMdDlLvVrReE\u{17F}",
        "\u{E9}\u{E0}\u{DF}", "\u{430}\u{431}\u{410}\u{411}", "\u{6F22}\u{5B57}\u{65E5}", "\u{D55C}\u{1100}\u{1161}",
        "\u{939}\u{93F}\u{928}\u{94D}", "\u{301}\u{300}\u{327}\u{20DD}", "\u{1F600}\u{1F3FD}\u{200D}",
        "\u{A0}\u{2003}\u{3000}\u{2028}\u{85}\u{200B}\u{FEFF}\u{1C}\u{B}", "\u{2B0}\u{AA}\u{1C5}",
        "\u{660}\u{BD}\u{2167}",
        "\0\u{7F}\u{FFFD}\u{10FFFF}",
    ].map { Array($0.unicodeScalars) }

    private static let words = [
        "the", "The", "THE", "don't", "I'll", "WE'VE", "it'S", " 'tis", "o'clock", "123456", "http://x.y/z", "\r\n",
        "\n\n",
        "   \n  ", "<|endof",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]

    package static func text(using generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1: text += words.randomElement(using: &generator) ?? ""
            case 2:
                let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator)) ?? " "
                // Unassigned characters: later versions of Unicode define characters that ours does not.
                if (scalar.properties.age.map { $0.major <= 16 } ?? true) { text.unicodeScalars.append(scalar) }
            case 3:
                let scalar = pools.randomElement(using: &generator)?.randomElement(using: &generator) ?? " "
                for _ in 0..<Int.random(in: 1...100, using: &generator) { text.unicodeScalars.append(scalar) }
            default:
                let pool = pools.randomElement(using: &generator) ?? []
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    text.unicodeScalars.append(pool.randomElement(using: &generator) ?? " ")
                }
            }
        }
        return text
    }
}
