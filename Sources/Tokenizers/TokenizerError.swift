import StrictJSON

/// Why a text or a file cannot be taken, in one line.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// A character at `position`, counted in scalars from 0, that is not among the `alphabet` characters of the model.
    case unknownCharacter(Unicode.Scalar, position: Int, alphabet: Int)

    /// A character that was to stand for unknown ones and is unknown itself.
    case unknownReplacement(Unicode.Scalar, alphabet: Int)

    /// A tokenizer.json that is damaged or contradicts itself.
    case unreadable(file: String, reason: String)

    /// A tokenizer.json that asks for something that is not computed here. The file itself may be sound.
    case unsupported(file: String, reason: String)

    /// A tokenizer that has no form as a tokenizer.json yet.
    case unwritable(kind: String)

    /// A vocabulary that cannot be learnt, and why.
    case training(String)

    /// A vocabulary that contradicts itself.
    case vocabulary(String)

    /// A text that spells a special token where these are refused; `position` is the byte at which it begins.
    case specialToken(String, position: Int)

    /// An id that a vocabulary does not have.
    case unknownID(Int32, vocabularySize: Int)

    /// A text of 2 GiB or more.
    case tooLong

    public var description: String {
        switch self {
        case .unknownCharacter(let scalar, let position, let alphabet):
            "the character \(shown(scalar)) at position \(position) is not in the alphabet of \(alphabet) characters"
        case .unknownReplacement(let scalar, let alphabet):
            "the replacement \(shown(scalar)) is not in the alphabet of \(alphabet) characters either; choose another"
        case .unreadable(let file, let reason), .unsupported(let file, let reason): "\(file): \(reason)"
        case .vocabulary(let reason): reason
        case .specialToken(let text, let position):
            "the text contains the special token \(quoted(text)) at byte \(position); "
                + "allow special tokens, or treat them as plain text"
        case .unknownID(let id, let size): "there is no token with the id \(id); the vocabulary has \(size) ids, from 0"
        case .tooLong: "a text of 2 GiB or more cannot be encoded at once; encode it in parts"
        case .unwritable(let kind): "a tokenizer of \(kind) cannot be saved as a tokenizer.json"
        case .training(let reason): "cannot train a tokenizer: \(reason)"
        }
    }
}

/// A string from a file or text as it can stand on a line: escaped, and not too long.
func quoted(_ string: String) -> String {
    let scalars = string.unicodeScalars
    let short = String(String.UnicodeScalarView(scalars.prefix(40)))
    return JSON.string(scalars.count > 40 ? short + "..." : short).serialized()
}

/// A character as one can recognise it on a line: in quotation marks where it can be seen by itself, and by its number.
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
