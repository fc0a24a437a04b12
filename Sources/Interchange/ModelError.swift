/// Why a model cannot be read or written, in one line that begins with the path.
public struct ModelError: Error, Equatable, CustomStringConvertible {
    /// The file or directory.
    public let path: String
    /// What is wrong, and how to correct it.
    public let reason: String

    /// An error with this path and reason.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}
