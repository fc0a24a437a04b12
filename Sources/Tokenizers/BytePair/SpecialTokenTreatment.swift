/// The usual policies for special tokens that a text spells, by the names under which they are recorded.
public enum SpecialTokenTreatment: String, Sendable, CaseIterable {
    /// They are an error.
    case refuse
    /// They are plain text.
    case text
    /// They are encoded as their ids.
    case allow

    /// The policy with this name.
    public var policy: SpecialTokenPolicy {
        switch self {
        case .refuse: .refused
        case .text: .plainText
        case .allow: .allowed
        }
    }
}
