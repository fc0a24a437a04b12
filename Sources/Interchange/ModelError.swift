/// Why a model cannot be read or written, in one line that begins with the path.
public struct ModelError: Error, Equatable, CustomStringConvertible {
    /// The file or directory.
    public let path: String
    /// What is wrong, and how to correct it.
    public let reason: String
    /// Whether the reason is an edited file, which a caller may accept.
    public let isEdit: Bool

    public init(path: String, reason: String, isEdit: Bool = false) {
        self.path = path
        self.reason = reason
        self.isEdit = isEdit
    }

    public var description: String { "\(path): \(reason)" }
}
