import Inference
import StrictJSON
import Synchronization

/// The HTTP API of a server, without the transport: a response for each request.
///
/// | path | what it does |
/// |---|---|
/// | `GET /v1/models`, `/v1/models/{id}` | the models |
/// | `POST /v1/completions` | continues prompts |
/// | `POST /v1/chat/completions` | answers in a conversation |
/// | `POST /v1/embeddings` | vectors of texts |
/// | `POST /classify`, `/translate` | labels and translations of texts |
/// | `POST /tokenize`, `/detokenize` | text to ids, and back |
/// | `POST /explain`, `/attention` | what a model computes for a text |
/// | `GET /training?model=ID` | the losses of the training |
/// | `GET /health`, `/metrics`, `/props` | the state of the server |
/// | `GET /` | a page that uses all of this |
///
/// The paths with `/v1` are those of OpenAI's API, so that its clients can use the server; `/tokenize`, `/detokenize`, `/health`
/// and `/props` are named as in llama.cpp's server.
public struct API: Sendable {
    /// The version of the program.
    public let version: String
    let models: [ServedModel]
    private let access: AccessRules
    private let page = ServedPage()
    let counters = RequestCounters()
    /// The instruction set and number format. Results can differ in the last bits between two fingerprints.
    let fingerprint: String
    private let clock: @Sendable () -> Int

    /// - Parameters:
    ///   - models: the models, each with an id of its own.
    ///   - access: who may send requests.
    ///   - version: the version of the program.
    ///   - fingerprint: how everything is computed, such as "avx2-f32".
    ///   - clock: the time in seconds since 1970.
    public init(
        _ models: [ServedModel], access: AccessRules, version: String, fingerprint: String,
        clock: @escaping @Sendable () -> Int
    ) {
        self.models = models
        self.access = access
        self.version = version
        self.fingerprint = "swift-gpt-\(version)-\(fingerprint)"
        self.clock = clock
    }

    /// The time in seconds since 1970.
    func now() -> Int { clock() }

    /// An id for a response.
    func identifier(_ prefix: String) -> String {
        prefix + String(UInt64.random(in: .min ... .max), radix: 16) + String(counters.nextNumber(), radix: 16)
    }

    /// The response to a request. Every failure is a response too.
    ///
    /// Where the task is cancelled, because the client has left, its work stops after the step that is being computed.
    public func respond(to request: APIRequest) async throws(CancellationError) -> APIResponse {
        if let preflight = access.preflight(request) { return preflight }
        var response: APIResponse
        do {
            try access.check(request)
            response = try await route(request)
        } catch let error as CancellationError {
            throw error
        } catch {
            response = APIResponse(APIError(error))
        }
        counters.count(status: response.status)
        response.headers += access.responseHeaders(for: request)
        return response
    }

    /// The response to a request that could not be read as HTTP, or not in time.
    /// - Parameters:
    ///   - status: 408, 413 or another status of an error.
    ///   - message: what is wrong, and what to do.
    public func refuse(status: Int, _ message: String) -> APIResponse {
        counters.count(status: status)
        return APIResponse(APIError(status, message))
    }

    private func route(_ request: APIRequest) async throws -> APIResponse {
        let isBodyNeeded = request.method == "POST"
        func only(_ method: String) throws(APIError) {
            guard request.method == method || (method == "GET" && request.method == "HEAD") else {
                var error = APIError(
                    405,
                    "\(RequestFields.shown(request.path)) is for \(method) requests, not for \(RequestFields.shown(request.method))"
                )
                error.allowedMethod = method
                throw error
            }
            if isBodyNeeded { try requireJSON(request) }
        }
        switch request.path {
        case "/":
            try only("GET")
            return page.response
        case "/explain":
            try only("POST")
            return try await explain(request)
        case "/attention":
            try only("POST")
            return try await attention(request)
        case "/health":
            try only("GET")
            return APIResponse(["status": "ok"])
        case "/metrics":
            try only("GET")
            return APIResponse(text: await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        case "/props":
            try only("GET")
            return APIResponse(properties())
        case "/v1/models":
            try only("GET")
            return APIResponse(["object": "list", "data": .array(models.map(description))])
        case "/v1/completions":
            try only("POST")
            return try await completions(request)
        case "/v1/chat/completions":
            try only("POST")
            return try await chatCompletions(request)
        case "/v1/embeddings":
            try only("POST")
            return try await embeddings(request)
        case "/classify":
            try only("POST")
            return try await classify(request)
        case "/translate":
            try only("POST")
            return try await translate(request)
        case "/tokenize":
            try only("POST")
            return try tokenize(request)
        case "/detokenize":
            try only("POST")
            return try detokenize(request)
        case "/training":
            try only("GET")
            return try training(request)
        default:
            let prefix = "/v1/models/"
            if request.path.hasPrefix(prefix) {
                try only("GET")
                return APIResponse(description(try model(named: String(request.path.dropFirst(prefix.count)))))
            }
            throw APIError(
                404, "there is no \(RequestFields.shown(request.path)); see /v1/models, /v1/completions and /health")
        }
    }

    private func requireJSON(_ request: APIRequest) throws(APIError) {
        // A request without a type, as of simple clients, is read as JSON.
        guard let type = request.headers["content-type"] else { return }
        let name = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        if name.isEmpty { return }
        // curl gives this type to every body. A page of another site cannot use it to avoid the check of its origin, because
        // browsers send `Origin` with every POST request.
        if name == "application/x-www-form-urlencoded" { return }
        guard name == "application/json" || name.hasSuffix("+json") else {
            throw APIError(415, "the body is of the type '\(RequestFields.shown(type))'; send JSON as application/json")
        }
    }

    // MARK: Models

    /// The model that a request names. A request that names none is for the only model.
    func model(_ fields: inout RequestFields) throws(APIError) -> ServedModel {
        guard let name = try fields.string("model") else {
            if models.count == 1 { return models[0] }
            throw fields.missing("model")
        }
        return try model(named: name)
    }

    private func model(named name: String) throws(APIError) -> ServedModel {
        guard let model = models.first(where: { $0.id == name }) else {
            throw APIError(
                404,
                "there is no model '\(RequestFields.shown(name))'; the models are \(models.map(\.id).joined(separator: ", "))",
                parameter: "model", code: "model_not_found")
        }
        return model
    }

    func languageModel(_ fields: inout RequestFields) async throws -> ServedLanguageModel {
        let model = try model(&fields)
        guard case .language(let language) = model.kind else {
            throw APIError(400, "the model '\(model.id)' does not continue texts", parameter: "model")
        }
        return language
    }

    /// A model as OpenAI's API describes it; `meta` as in llama.cpp's server.
    private func description(_ model: ServedModel) -> JSON {
        [
            "id": .string(model.id), "object": "model", "created": .int(now()), "owned_by": "swift-gpt",
            "meta": [
                "n_vocab": .int(model.summary.vocabularySize),
                "n_ctx_train": model.summary.contextLength.map(JSON.int) ?? .null,
                "n_embd": .int(model.summary.width), "n_params": .int(model.summary.parameterCount),
                "size": .int(model.summary.size),
            ],
        ]
    }

    /// The models and their properties, for the page.
    private func properties() -> JSON {
        let described = models.map { model -> JSON in
            let facts = model.summary
            return [
                "id": .string(model.id), "kind": .string(kind(of: model)),
                "vocabulary_size": .int(facts.vocabularySize),
                "context_length": facts.contextLength.map(JSON.int) ?? .null,
                "parameter_count": .int(facts.parameterCount), "layers": .int(facts.layers),
                "heads": .int(facts.heads), "has_chat_template": .bool(hasChatTemplate(model)),
                "labels": .array(labels(of: model).map(JSON.string)), "has_training": .bool(hasTraining(model)),
            ]
        }
        return ["version": .string(version), "models": .array(described)]
    }

    private func kind(of model: ServedModel) -> String {
        switch model.kind {
        case .language: model.summary.layers > 0 ? "decoder" : "counted"
        case .encoder(let encoder): encoder.labels.isEmpty ? "encoder" : "classifier"
        case .translator: "translator"
        }
    }

    private func hasChatTemplate(_ model: ServedModel) -> Bool {
        if case .language(let language) = model.kind { (try? language.chat.get()) != nil } else { false }
    }

    private func labels(of model: ServedModel) -> [String] {
        if case .encoder(let encoder) = model.kind { encoder.labels } else { [] }
    }
}
