import Inference
import Models
import StrictJSON

extension ServedModel {
    /// Runs a closure with the inspector of the model, on the model's thread.
    /// - Throws: `ExplanationError.noWeights` for a model of counts.
    func inspect<Result: Sendable>(_ body: @Sendable (ModelInspector) throws -> Result) async throws -> Result {
        switch kind {
        case .language(let model): try await model.engine.inspect(body)
        case .encoder(let encoder): try await encoder.model.compute { try body($0.inspector) }
        case .translator(let translator): try await translator.model.compute { try body($0.inspector) }
        }
    }
}

extension API {
    /// `POST /explain`: what a model computes for a text. The object is that of `gpt explain --json`, without the patterns.
    func explain(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        let text = try fields.string("prompt")
        let ids = try fields.ids("ids", of: model)
        let target = try fields.ids("target_ids", of: model)
        let top = try fields.integer("top", in: 1...50) ?? 10
        try fields.requireKnown()
        guard (text == nil) != (ids == nil) else {
            throw APIError(400, "give either 'prompt' or 'ids'", parameter: "prompt")
        }
        let settings = ExplanationSettings(top: top, lensTop: 5, patterns: .none)
        let name = model.id
        let json = try await model.inspect { inspector in
            let explainer = inspector.explainer
            guard let tokenizer = explainer.tokenizer else { throw ExplanationError.noTokenizer }
            var input = try ids.map { Explainer.Input($0) } ?? explainer.encode(text ?? "", with: tokenizer)
            input.target = target
            return try inspector.explain(input, settings).json(model: name)
        }
        return APIResponse(json)
    }

    /// `POST /attention`: the attention probabilities of a head, as bytes round(255 sqrt(p)), row by row. The headers `X-Queries`
    /// and `X-Keys` give the size.
    func attention(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        guard let ids = try fields.ids("ids", of: model) else { throw fields.missing("ids") }
        let target = try fields.ids("target_ids", of: model)
        guard let layer = try fields.integer("layer", in: 0...10_000) else { throw fields.missing("layer") }
        guard let head = try fields.integer("head", in: 0...10_000) else { throw fields.missing("head") }
        let name = try fields.string("kind") ?? AttentionKind.own.rawValue
        try fields.requireKnown()
        guard let kind = AttentionKind(rawValue: name) else {
            let kinds = AttentionKind.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw APIError(
                400, "'kind' is '\(RequestFields.shown(name))'; it must be one of \(kinds)", parameter: "kind")
        }
        let (bytes, queries, keys) = try await model.inspect { inspector in
            let map = try inspector.attention(layer: layer, kind, of: Explainer.Input(ids, target: target))
            guard head < map.heads else {
                throw APIError(
                    400, "'head' is \(head), and layer \(layer) has the heads 0 to \(map.heads - 1)", parameter: "head")
            }
            return (map.bytes(head: head), map.queries, map.keys)
        }
        return APIResponse(
            headers: [
                ("Content-Type", "application/octet-stream"), ("X-Queries", "\(queries)"), ("X-Keys", "\(keys)"),
                ("X-Scale", "sqrt"),
            ], body: .bytes(bytes))
    }
}
