/// The ids that a model expects before and after a whole text, such as that of `<|begin_of_text|>` (Hugging Face's
/// `TemplateProcessing`).
public struct TokenTemplate: Sendable, Hashable {
    /// The ids before the text.
    public var before: [Int32]

    /// The ids after the text.
    public var after: [Int32]

    /// A template of these ids.
    public init(before: [Int32] = [], after: [Int32] = []) {
        self.before = before
        self.after = after
    }
}
