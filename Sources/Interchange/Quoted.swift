import StrictJSON

/// A string from a file for an error message: escaped, and cut after 100 characters.
func quoted(_ string: String) -> String {
    let scalars = string.unicodeScalars
    let short = String(String.UnicodeScalarView(scalars.prefix(100)))
    return JSON.string(scalars.count > 100 ? short + "..." : short).serialized()
}
