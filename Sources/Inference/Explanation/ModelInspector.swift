import Models

/// An explainer for a page, which requests one explanation and one head after another. It keeps what does not change: the
/// induction scores of the model, and the attention of the layer that was requested last.
package final class ModelInspector {
    package let explainer: Explainer
    private var induction: (seed: UInt64, scores: [[Double]]?)?
    private var last: (input: Explainer.Input, kind: AttentionKind, layer: Int, map: AttentionMap)?

    package init(_ explainer: Explainer) { self.explainer = explainer }

    /// Explains ids (`Explainer.explain(_:_:)`).
    package func explain(_ input: Explainer.Input, _ settings: ExplanationSettings) throws -> Explanation {
        try explainer.explain(input, settings) {
            if let induction, induction.seed == settings.seed { return induction.scores }
            let scores = explainer.inductionScores(seed: settings.seed)
            induction = (settings.seed, scores)
            return scores
        }
    }

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
