import Inference
import Interchange
import Models
import Server
import StrictJSON
import Tensors
import TestSupport
import Tokenizers

/// A server of small models with random weights, without a transport.
struct TestServer {
    let api: API
    private let directory = TemporaryDirectory()

    static let context = 48
    static let configuration = TransformerConfiguration(
        .llama, vocabularySize: 257, contextLength: context, layers: 2, heads: 2, width: 32)
    static let template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"

    /// - Parameters:
    ///   - access: who may send requests.
    ///   - limits: of the language models.
    ///   - models: which of the models are served.
    init(
        access: AccessRules = AccessRules(key: nil, isLoopbackOnly: false), limits: EngineLimits = EngineLimits(),
        models: [String] = ["text", "chat", "labels"]
    ) throws {
        let execution = Execution(threads: 1)
        var served: [ServedModel] = []
        for name in models {
            let path = directory.file(name)
            switch name {
            case "labels":
                let encoder = Encoder(
                    EncoderConfiguration(
                        vocabularySize: 257, contextLength: 32, layers: 1, heads: 2, width: 16,
                        head: .classifier(labels: ["no", "yes"])), seed: 2)
                try ModelDirectory.save(encoder, tokenizer: ByteTokenizer(), to: path)
            default:
                try ModelDirectory.save(Transformer(Self.configuration, seed: 3), tokenizer: ByteTokenizer(), to: path)
                if name == "chat" { try directory.write(Array(Self.template.utf8), to: "chat/chat_template.jinja") }
            }
            served.append(
                try ServedModel(id: name, path: path, limits: limits, execution: execution, acceptingEdits: true))
        }
        api = API(served, access: access, version: "1", fingerprint: "test", clock: { 1_000 })
    }

    /// The response to a request.
    func send(_ method: String, _ path: String, _ body: JSON? = nil, headers: [String: String] = [:]) async throws
        -> Reply
    {
        var request = APIRequest(method: method, path: path, headers: headers)
        if let body { request.body = Array(body.serialized().utf8) }
        return try await send(request)
    }

    func send(_ request: APIRequest) async throws -> Reply {
        let response = try await api.respond(to: request)
        var bytes: [UInt8] = []
        switch response.body {
        case .bytes(let body): bytes = body
        case .stream(let write): try await write { bytes += $0 }
        }
        return Reply(
            status: response.status, headers: response.headers, text: String(decoding: bytes, as: UTF8.self))
    }

    func post(_ path: String, _ body: JSON) async throws -> Reply { try await send("POST", path, body) }
}

/// A response that was read to its end.
struct Reply {
    let status: Int
    let headers: [(name: String, value: String)]
    let text: String

    var json: JSON { get throws { try JSON(parsing: text) } }

    /// The message and the field of an error.
    var error: (message: String, parameter: String?) {
        get throws {
            let error = try json["error"]
            return (error?["message"]?.stringValue ?? "", error?["param"]?.stringValue)
        }
    }

    /// The first choice.
    var choice: JSON { get throws { try json["choices"]?.arrayValue?.first ?? .null } }

    /// The texts of all choices.
    var texts: [String] {
        get throws { try json["choices"]?.arrayValue?.compactMap { $0["text"]?.stringValue } ?? [] }
    }

    /// The chunks of a stream, without the last one, which is not JSON.
    var chunks: [JSON] {
        get throws {
            try text.split(separator: "\n\n").map { $0.dropFirst("data: ".count) }.filter { $0 != "[DONE]" }
                .map { try JSON(parsing: String($0)) }
        }
    }
}
