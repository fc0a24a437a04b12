/// Why a model cannot be read or written: one line that begins with the file.
public struct ModelError: Error, Equatable, CustomStringConvertible {
    public let path: String
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
