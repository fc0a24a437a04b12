import Layers

/// The activations of networks without a gate, by the names that transformers has for them.
extension FeedForwardKind {
    private static let activationNames: [(kind: FeedForwardKind, names: [String])] = [
        (.exactGELU, ["gelu"]), (.gelu, ["gelu_new", "gelu_pytorch_tanh"]), (.relu, ["relu"]),
        (.silu, ["silu", "swish"]),
    ]

    /// The name of the activation.
    /// - Precondition: the network has no gate.
    var activationName: String {
        guard let name = Self.activationNames.first(where: { $0.kind == self })?.names[0] else {
            preconditionFailure("a network with a gate")
        }
        return name
    }

    /// The kind with an activation of this name, if it is one of `kinds`.
    fileprivate init?(activation name: String, among kinds: [FeedForwardKind]) {
        guard let kind = Self.activationNames.first(where: { $0.names.contains(name) })?.kind, kinds.contains(kind)
        else { return nil }
        self = kind
    }

    fileprivate static func activationNames(of kinds: [FeedForwardKind]) -> [String] {
        activationNames.filter { kinds.contains($0.kind) }.flatMap(\.names)
    }
}

extension ConfigurationFields {
    /// The kind of a network without a gate, by the name of its activation.
    /// - Parameters:
    ///   - key: the member.
    ///   - name: the name if the member is absent.
    ///   - kinds: the kinds that are supported.
    func feedForward(
        _ key: String, default name: String, among kinds: [FeedForwardKind] = [.exactGELU, .gelu, .relu, .silu]
    ) throws(ModelError) -> FeedForwardKind {
        let name = try string(key) ?? name
        if let kind = FeedForwardKind(activation: name, among: kinds) { return kind }
        let known = FeedForwardKind.activationNames(of: kinds)
        throw failure(
            "its \(key) is \(quoted(name)); \(known.dropLast().joined(separator: ", ")) and \(known[known.count - 1]) are "
                + "supported")
    }
}
