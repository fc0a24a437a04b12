/// Why a text is not available, in one line.
public struct CorpusError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
