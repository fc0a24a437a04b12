import Models

/// An explainer that keeps the attention of the layer that was looked at last, because a page draws one head of it after
/// another.
package final class ModelInspector {
    package let explainer: Explainer
    private var last: (input: Explainer.Input, kind: AttentionKind, layer: Int, map: AttentionMap)?

    package init(_ explainer: Explainer) { self.explainer = explainer }

    /// The attention of one layer (`Explainer.attention(layer:_:of:)`).
    package func attention(
        layer: Int, _ kind: AttentionKind, of input: Explainer.Input
    ) throws -> AttentionMap {
        if let last, last.input == input, last.kind == kind, last.layer == layer { return last.map }
        let map = try explainer.attention(layer: layer, kind, of: input)
        last = (input, kind, layer, map)
        return map
    }
}
