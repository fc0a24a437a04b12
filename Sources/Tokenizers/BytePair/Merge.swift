/// A pair of tokens that are merged, and the token that replaces them.
public struct Merge: Sendable, Hashable {
    /// The id of the left token.
    public let left: Int32
    /// The id of the right token.
    public let right: Int32
    /// The id of the token whose bytes are those of both.
    public let result: Int32

    public init(left: Int32, right: Int32, result: Int32) {
        self.left = left
        self.right = right
        self.result = result
    }
}
