/// Why a text is not available, in one line.
public struct CorpusError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    /// The error for a text that is to be divided at a separator that it does not contain.
    static func withoutSeparator(_ name: String) -> CorpusError {
        CorpusError("\(name): the text does not contain the document separator; check its spelling")
    }
}
