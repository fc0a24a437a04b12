import StrictJSON

/// Why a text cannot be encoded, or a tokenizer cannot be read, written or trained, in one line.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// A character at `position`, counted in scalars from 0, that is not in the alphabet of `alphabet` characters.
    case unknownCharacter(Unicode.Scalar, position: Int, alphabet: Int)

    /// A replacement for unknown characters that is unknown itself.
    case unknownReplacement(Unicode.Scalar, alphabet: Int)

    /// A tokenizer.json that is damaged or contradicts itself.
    case unreadable(file: String, reason: String)

    /// A tokenizer.json with a feature that is not supported. The file itself may be valid.
    case unsupported(file: String, reason: String)

    /// A tokenizer that cannot be represented in the file.
    case unwritable(kind: String)

    /// Why a tokenizer cannot be represented in a file of another format.
    case unrepresentable(String)

    /// Why a vocabulary cannot be trained.
    case training(String)

    /// A vocabulary that contradicts itself.
    case vocabulary(String)

    /// A text that contains a special token that is refused; it begins at the byte `position`.
    case specialToken(String, position: Int)

    /// An id that a vocabulary does not have.
    case unknownID(Int32, vocabularySize: Int)

    /// A text of 2 GiB or more.
    case tooLong

    /// A greatest length of a sequence that is below the number of ids that the template adds.
    case tooShort(length: Int, template: Int)

    public var description: String {
        switch self {
        case .unknownCharacter(let scalar, let position, let alphabet):
            "the character \(shown(scalar)) at position \(position) is not in the alphabet of \(alphabet) characters"
        case .unknownReplacement(let scalar, let alphabet):
            "the replacement \(shown(scalar)) is not in the alphabet of \(alphabet) characters either; choose another"
        case .unreadable(let file, let reason), .unsupported(let file, let reason): "\(file): \(reason)"
        case .vocabulary(let reason), .unrepresentable(let reason): reason
        case .specialToken(let text, let position):
            "the text contains the special token \(quoted(text)) at byte \(position); "
                + "allow special tokens, or treat them as plain text"
        case .unknownID(let id, let size): "there is no token with the id \(id); the vocabulary has \(size) ids, from 0"
        case .tooLong: "a text of 2 GiB or more cannot be encoded at once; encode it in parts"
        case .tooShort(let length, let template):
            "a sequence of at most \(length) ids has no room for the \(template) special tokens of the template; "
                + "allow at least \(template)"
        case .unwritable(let kind): "a tokenizer of \(kind) cannot be saved as a tokenizer.json"
        case .training(let reason): "cannot train a tokenizer: \(reason)"
        }
    }
}

/// A string from a file or text for an error message: escaped, and cut after 40 characters.
func quoted(_ string: String) -> String {
    let scalars = string.unicodeScalars
    let short = String(String.UnicodeScalarView(scalars.prefix(40)))
    return JSON.string(scalars.count > 40 ? short + "..." : short).serialized()
}

/// A character for an error message: in quotation marks if it is visible by itself, and its code point.
package func shown(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let number = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
        .nonspacingMark, .spacingMark, .enclosingMark:
        return number
    default:
        return "'\(scalar)' (\(number))"
    }
}
