import Inference
import Server
import StrictJSON
import TestSupport
import Testing

@Suite("The API of the server") struct APITests {
    @Test("Models, health, properties and the page")
    func state() async throws {
        let server = try TestServer()
        #expect(try await server.send("GET", "/health").json == ["status": "ok"])
        let models = try await server.send("GET", "/v1/models").json
        #expect(models["object"]?.stringValue == "list")
        #expect(models["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["text", "chat", "labels"])
        #expect(try await server.send("GET", "/v1/models/chat").json["id"]?.stringValue == "chat")
        let properties = try await server.send("GET", "/props").json["models"]?.arrayValue ?? []
        #expect(properties.compactMap { $0["kind"]?.stringValue } == ["decoder", "decoder", "classifier"])
        #expect(properties.compactMap { $0["has_chat_template"]?.boolValue } == [false, true, false])
        let page = try await server.send("GET", "/")
        let policy = try #require(page.headers.first { $0.name == "Content-Security-Policy" }?.value)
        #expect(page.text.hasPrefix("<!doctype html>") && policy.contains("default-src 'none'; script-src 'sha256-"))
    }

    @Test(
        "Wrong paths, methods, types and bodies have a status and a message",
        arguments: [
            ("GET", "/nothing", "", "", 404), ("GET", "/v1/models/none", "", "", 404),
            ("GET", "/v1/completions", "", "", 405), ("POST", "/health", "", "{}", 405),
            ("DELETE", "/v1/models", "", "", 405), ("POST", "/v1/completions", "text/xml", "{}", 415),
            ("POST", "/v1/completions", "application/json", "{", 400), ("POST", "/v1/completions", "", "[]", 400),
            ("POST", "/v1/completions", "", "\u{FFFD}", 400), ("POST", "/v1/completions", "", "", 400),
            ("POST", "/v1/completions", "", #"{"model": 5}"#, 400), ("POST", "/v1/completions", "", "{}", 400),
            ("GET", "/../etc/passwd", "", "", 404), ("POST", "/tokenize", "", #"{"model": "text"}"#, 400),
        ])
    func wrong(method: String, path: String, type: String, body: String, status: Int) async throws {
        let server = try TestServer()
        let reply = try await server.send(
            APIRequest(
                method: method, path: path, headers: type.isEmpty ? [:] : ["content-type": type], body: Array(body.utf8)
            ))
        #expect(reply.status == status)
        #expect(try !reply.error.message.isEmpty)
        #expect((status == 405) == reply.headers.contains { $0.name == "Allow" })
    }

    @Test("A type of the body that says nothing is no type", arguments: ["", " ", ";", "; charset=utf-8"])
    func emptyType(type: String) async throws {
        let server = try TestServer(models: ["text"])
        let body = Array(#"{"prompt": "tea", "max_tokens": 1}"#.utf8)
        let reply = try await server.send(
            APIRequest(method: "POST", path: "/v1/completions", headers: ["content-type": type], body: body))
        #expect(reply.status == 200)
    }

    @Test("Hosts and origins of other sites are refused on the loopback interface")
    func origins() async throws {
        let server = try TestServer(
            access: AccessRules(key: nil, isLoopbackOnly: true, origins: ["http://localhost:3000"]), models: ["text"])
        func status(_ host: String?, _ origin: String?) async throws -> Int {
            var headers: [String: String] = [:]
            headers["host"] = host
            headers["origin"] = origin
            return try await server.send("GET", "/health", headers: headers).status
        }
        for host in ["localhost", "127.0.0.1:8080", "[::1]:80", "LOCALHOST:1", "127.8.8.8"] {
            #expect(try await status(host, nil) == 200, "\(host)")
            #expect(try await status(host, "http://" + host) == 200, "\(host)")
            #expect(try await status(host, "http://localhost:3000") == 200, "\(host)")
        }
        for host in [nil, "", "example.org", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1"] {
            #expect(try await status(host, nil) == 403, "\(host ?? "none")")
        }
        for origin in ["http://example.org", "null", "http://localhost:3001", "https://127.0.0.1:8080"] {
            #expect(try await status("127.0.0.1:8080", origin) == 403, "\(origin)")
        }
        let preflight = try await server.send(
            "OPTIONS", "/v1/completions", headers: ["host": "localhost", "origin": "http://localhost:3000"])
        #expect(preflight.status == 204)
        #expect(preflight.headers.contains { $0 == ("Access-Control-Allow-Origin", "http://localhost:3000") })
    }

    @Test("A key is required for all but the page and the health")
    func key() async throws {
        let server = try TestServer(access: AccessRules(key: "sésame", isLoopbackOnly: false), models: ["text"])
        #expect(try await server.send("GET", "/health").status == 200)
        #expect(try await server.send("GET", "/").status == 200)
        for (header, status) in [
            (nil, 401), ("Bearer sésame", 200), ("bearer sésame", 200), ("Bearer sesame", 401), ("Bearer ", 401),
            ("Bearer sésame2", 401), ("sésame", 401), ("Basic sésame", 401),
        ] as [(String?, Int)] {
            var headers: [String: String] = [:]
            headers["authorization"] = header
            let reply = try await server.send("GET", "/v1/models", headers: headers)
            #expect(reply.status == status, "\(header ?? "none")")
            #expect((status == 401) == reply.headers.contains { $0 == ("WWW-Authenticate", "Bearer") })
        }
    }

    @Test("Text to ids and back")
    func tokens() async throws {
        let server = try TestServer(models: ["text"])
        let tokens = try await server.post("/tokenize", ["content": "té"]).json["tokens"]
        #expect(tokens == [116, 195, 169])
        let pieces = try await server.post("/tokenize", ["content": "té", "with_pieces": true]).json["tokens"]
        #expect(pieces?.arrayValue?.last == ["id": 169, "piece": [169]])
        #expect(try await server.post("/detokenize", ["tokens": [116, 195, 169]]).json == ["content": "té"])
        #expect(try await server.post("/detokenize", ["tokens": [300]]).error.parameter == "tokens")
    }

    @Test("Labels and vectors of texts")
    func encoder() async throws {
        let server = try TestServer(models: ["labels", "text"])
        let reply = try await server.post("/classify", ["model": "labels", "text": "tea"]).json
        let labels = reply["labels"]?.arrayValue ?? []
        let probabilities = labels.compactMap { $0["probability"]?.doubleValue }
        #expect(probabilities == probabilities.sorted(by: >) && abs(probabilities.reduce(0, +) - 1) < 1e-12)
        #expect(reply["label"] == labels.first?["label"])
        #expect(try await server.post("/classify", ["model": "text", "text": "tea"]).error.parameter == "model")
        let vectors = try await server.post("/v1/embeddings", ["model": "labels", "input": ["tea", "two"]]).json
        let first = try #require(vectors["data"]?.arrayValue?.first?["embedding"]?.arrayValue)
        #expect(first.count == 16 && vectors["usage"]?["total_tokens"]?.intValue == 6)
        let encoded = try await server.post(
            "/v1/embeddings", ["model": "labels", "input": "tea", "encoding_format": "base64"]
        ).json["data"]?.arrayValue?.first?["embedding"]?.stringValue
        #expect(encoded?.count == 88 && encoded?.hasSuffix("=") == true)
        #expect(try await server.post("/v1/embeddings", ["model": "text", "input": "a"]).error.parameter == "model")
        #expect(try await server.post("/v1/embeddings", ["model": "labels", "input": [1]]).error.parameter == "input")
    }

    @Test("What a model computes for a text, and the attention of one head")
    func explanation() async throws {
        let server = try TestServer(models: ["text", "labels"])
        let reply = try await server.post("/explain", ["model": "text", "prompt": "tea for two"]).json
        #expect(reply["tokens"]?.arrayValue?.count == 11)
        #expect(reply["logit_lens"]?.arrayValue?.count == 3)
        let attention = try await server.post(
            "/attention", ["model": "text", "ids": [116, 101, 97], "layer": 1, "head": 1])
        #expect(attention.headers.contains { $0 == ("X-Queries", "3") })
        #expect(attention.status == 200)
        for (field, value) in [("layer", 2), ("head", 2), ("ids", [300]), ("kind", "other")] as [(String, JSON)] {
            var members: [(String, JSON)] = [("model", "text"), ("ids", [1, 2]), ("layer", 0), ("head", 0)]
            members.removeAll { $0.0 == field }
            let wrong = try await server.post("/attention", .object(JSONObject(members + [(field, value)])))
            #expect(wrong.status == 400)
            #expect(try wrong.error.parameter == field)
        }
    }

    @Test("The state of the server in Prometheus' format")
    func metrics() async throws {
        let server = try TestServer(models: ["text"])
        _ = try await server.post("/v1/completions", ["prompt": "tea", "max_tokens": 5])
        _ = try await server.send("GET", "/none")
        let lines = try await server.send("GET", "/metrics").text.split(separator: "\n")
        for line in [
            "gpt_requests_total{status=\"200\"} 1", "gpt_requests_total{status=\"404\"} 1",
            "gpt_prompt_tokens_total{model=\"text\"} 3", "gpt_generated_tokens_total{model=\"text\"} 5",
            "gpt_texts_running{model=\"text\"} 0",
        ] {
            #expect(lines.contains(Substring(line)), "\(line)")
        }
    }
}
