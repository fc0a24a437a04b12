import Files
import Inference
import Models
import StrictJSON
import Tokenizers
import Training

extension API {
    /// The most texts of a request.
    private static let mostTexts = 2048

    // MARK: Tokens

    /// `POST /tokenize`: the ids of a text.
    func tokenize(_ request: APIRequest) throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        let content = try fields.required("content")
        let addsSpecial = try fields.bool("add_special") ?? false
        let parsesSpecial = try fields.bool("parse_special") ?? true
        let withPieces = try fields.bool("with_pieces") ?? false
        try fields.requireKnown()
        let ids: [Int32]
        do {
            ids = try model.tokenizer.encode(
                content, special: parsesSpecial ? .allowed : .plainText, addingSpecialTokens: addsSpecial,
                replacing: nil)
        } catch { throw APIError(400, "\(error)", parameter: "content") }
        let texts = TokenTexts(model.tokenizer)
        let tokens = ids.map { id -> JSON in
            withPieces ? ["id": .int(Int(id)), "piece": texts.piece(id)] : .int(Int(id))
        }
        return APIResponse(["tokens": .array(tokens)])
    }

    /// `POST /detokenize`: the text of ids.
    func detokenize(_ request: APIRequest) throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        guard let ids = try fields.ids("tokens", of: model) else { throw fields.missing("tokens") }
        try fields.requireKnown()
        return APIResponse(["content": .string(model.tokenizer.decode(ids))])
    }

    // MARK: Encoders

    /// `POST /v1/embeddings`: vectors of texts.
    func embeddings(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        let texts = try texts(&fields, "input")
        let format = try fields.string("encoding_format") ?? "float"
        fields.ignore("user")
        guard ["float", "base64"].contains(format) else {
            throw APIError(
                400, "'encoding_format' is '\(RequestFields.shown(format))'; it must be 'float' or 'base64'",
                parameter: "encoding_format")
        }
        guard case .encoder(let encoder) = model.kind else {
            throw APIError(
                400, "the model '\(model.id)' has no embeddings of texts; give an encoder", parameter: "model")
        }
        let dimensions = try fields.integer("dimensions")
        try fields.requireKnown()
        if let dimensions, dimensions != model.summary.width {
            throw APIError(
                400, "'dimensions' is \(dimensions), and the embeddings of '\(model.id)' have \(model.summary.width)",
                parameter: "dimensions")
        }
        let embeddings = try await encoder.model.compute { try $0.embedder.embed(texts) }
        let tokens = embeddings.reduce(0) { $0 + $1.tokenCount }
        let data = embeddings.enumerated().map { index, embedding -> JSON in
            let vector: JSON =
                format == "float"
                ? .array(embedding.values.map(JSON.float)) : .string(base64(of: embedding.values))
            return ["object": "embedding", "index": .int(index), "embedding": vector]
        }
        return APIResponse([
            "object": "list", "data": .array(data), "model": .string(model.id),
            "usage": ["prompt_tokens": .int(tokens), "total_tokens": .int(tokens)],
        ])
    }

    /// `POST /classify`: the probabilities of labels for a text.
    func classify(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        let text = try fields.required("text")
        try fields.requireKnown()
        guard case .encoder(let encoder) = model.kind, !encoder.labels.isEmpty else {
            throw APIError(400, "the model '\(model.id)' has no labels; give a classifier", parameter: "model")
        }
        let (result, ids) = try await encoder.model.compute { parts in
            guard let classifier = parts.classifier else { preconditionFailure("labels without a classifier") }
            let sequence = try classifier.encode(text)
            return (classifier.classify([sequence])[0], sequence.ids)
        }
        let order = result.probabilities.indices.sorted {
            (result.probabilities[$1], $0) < (result.probabilities[$0], $1)
        }
        let tokens = TokenTexts(encoder.tokenizer)
        return APIResponse([
            "model": .string(model.id), "label": .string(result.label),
            "labels": .array(
                order.map { ["label": .string(result.labels[$0]), "probability": .double(result.probabilities[$0])] }),
            "tokens": .array(ids.map { .string(tokens.text($0)) }), "ids": .array(ids.map { .int(Int($0)) }),
        ])
    }

    // MARK: Encoder-decoders

    /// `POST /translate`: the translation of a text.
    func translate(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try model(&fields)
        let text = try fields.required("text")
        let beams = try fields.integer("beams", in: 1...64)
        try fields.requireKnown()
        guard case .translator(let served) = model.kind else {
            throw APIError(
                400, "the model '\(model.id)' does not translate; give an encoder-decoder", parameter: "model")
        }
        let (source, target, translation) = try await served.model.compute { parts in
            var translator = parts.translator
            if let beams { translator.settings.beams = beams }
            let source = try translator.encode(source: text)
            let target = translator.targets([source])[0]
            return (source, [translator.model.configuration.startToken] + target, translator.text(of: target))
        }
        let tokens = TokenTexts(served.tokenizer)
        func list(_ ids: [Int32]) -> (JSON, JSON) {
            (.array(ids.map { .string(tokens.text($0)) }), .array(ids.map { .int(Int($0)) }))
        }
        let (sourceTokens, sourceIDs) = list(source), (targetTokens, targetIDs) = list(target)
        return APIResponse([
            "model": .string(model.id), "text": .string(translation), "source_tokens": sourceTokens,
            "source_ids": sourceIDs, "target_tokens": targetTokens, "target_ids": targetIDs,
        ])
    }

    // MARK: Training

    /// Whether the directory of a model has the record of its training.
    func hasTraining(_ model: ServedModel) -> Bool { Metrics(directory: model.path) != nil }

    /// `GET /training?model=ID`: the losses of the training, which may be under way.
    func training(_ request: APIRequest) throws -> APIResponse {
        var fields = RequestFields(JSONObject(request.query.map { ($0.key, .string($0.value)) }))
        let model = try model(&fields)
        try fields.requireKnown()
        guard let metrics = Metrics(directory: model.path) else {
            throw APIError(404, "the model '\(model.id)' has no record of its training", parameter: "model")
        }
        return APIResponse([
            "step": .array(metrics.rows.map { .int($0.step) }),
            "loss": .array(metrics.rows.map { $0.trainingLoss.map(JSON.double) ?? .null }),
            "validation": .array(metrics.rows.map { $0.validation.map(JSON.double) ?? .null }),
            "seconds": .array(metrics.rows.map { .double($0.seconds) }),
            "measure": "loss", "is_running": .bool(RunDirectory.isInUse(model.path)),
        ])
    }

    /// A text, or a list of texts.
    private func texts(_ fields: inout RequestFields, _ name: String) throws(APIError) -> [String] {
        guard let value = fields.value(name) else { throw fields.missing(name) }
        if let text = value.stringValue { return [text] }
        guard let list = value.arrayValue, !list.isEmpty else {
            throw fields.wrong(name, value, "a string, or a list of strings")
        }
        guard list.count <= Self.mostTexts else {
            throw APIError(
                400, "'\(name)' has \(list.count) texts; it must have at most \(Self.mostTexts)", parameter: name)
        }
        let texts = list.compactMap(\.stringValue)
        guard texts.count == list.count else {
            throw APIError(400, "'\(name)' has an element that is not a string; send texts", parameter: name)
        }
        return texts
    }
}

/// The bytes of floats, lowest first, in base64.
func base64(of values: [Float]) -> String {
    Base64.encode(values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
}
