import StrictJSON

/// The words and pairs of words of texts as scikit-learn's `CountVectorizer(ngram_range=(1, 2))` finds them.
///
/// A text is in small letters. A word is two or more word characters (letters, numbers and `_`) between others: the pattern
/// `(?u)\b\w\w+\b`. A pair is two words that follow each other, whatever is between them. Words are compared by their scalars.
struct WordFeatures {
    /// The number of each word that was seen in training.
    private var words: [UTF8Key: UInt32] = [:]
    /// The number of each feature: a word, or a pair with the first word in the upper half.
    private var features: [UInt64: Int] = [:]

    /// The number of different features.
    var count: Int { features.count }

    /// The features of a text, as often as they occur, with new ones added.
    mutating func adding(_ text: String) -> [Int] {
        let numbers = Self.words(of: text).map { word in
            // Words count from 1, so that a single word is no pair.
            words[UTF8Key(word)]
                ?? {
                    let number = UInt32(words.count + 1)
                    words[UTF8Key(word)] = number
                    return number
                }()
        }
        return Self.keys(numbers).map { key in
            if let feature = features[key] { return feature }
            features[key] = features.count
            return features.count - 1
        }
    }

    /// The known features of a text, as often as they occur.
    func callAsFunction(_ text: String) -> [Int] {
        // No word has the number 0, so a pair with an unknown word is unknown.
        Self.keys(Self.words(of: text).map { words[UTF8Key($0)] ?? 0 }).compactMap { features[$0] }
    }

    private static func keys(_ words: [UInt32]) -> [UInt64] {
        words.map { UInt64($0) }
            + zip(words, words.dropFirst()).filter { $0.0 > 0 }.map { UInt64($0) << 32 | UInt64($1) }
    }

    /// The words of a text in small letters.
    static func words(of text: String) -> [String] {
        var words: [String] = [], word = String.UnicodeScalarView()
        func finish() {
            if word.count >= 2 { words.append(String(word)) }
            word.removeAll(keepingCapacity: true)
        }
        for scalar in lowercase(text) {
            if isWordCharacter(scalar) { word.append(scalar) } else { finish() }
        }
        finish()
        return words
    }

    /// A text in small letters as Python's `str.lower` makes it: as `lowercased()` does, but a sigma at the end of a word is ς (the
    /// rule Final_Sigma of the Unicode Standard, section 3.13).
    private static func lowercase(_ text: String) -> String.UnicodeScalarView {
        guard text.unicodeScalars.contains(sigma) else { return text.lowercased().unicodeScalars }
        let scalars = Array(text.unicodeScalars)
        func isCased(_ scalars: some Sequence<Unicode.Scalar>) -> Bool {
            scalars.first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
        }
        var lowercase = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar == sigma, isCased(scalars[..<index].reversed()), !isCased(scalars[(index + 1)...]) {
                lowercase.append("\u{3C2}")
            } else {
                lowercase.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return lowercase
    }

    /// The capital sigma.
    private static let sigma: Unicode.Scalar = "\u{3A3}"

    /// Whether a scalar is `\w` in Python: a letter, a number of any kind, or `_`; not a combining mark.
    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": return true
            default: return false
            }
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
        default: return scalar.properties.numericType != nil
        }
    }
}
