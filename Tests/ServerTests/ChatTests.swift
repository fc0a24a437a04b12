import Server
import StrictJSON
import TestSupport
import Testing

@Suite("Chat completions") struct ChatTests {
    private static let messages: JSON = [["role": "user", "content": "tea?"]]

    @Test("An answer continues what the template writes")
    func answer() async throws {
        let server = try TestServer(models: ["chat", "text"])
        let reply = try await server.post(
            "/v1/chat/completions",
            ["model": "chat", "messages": Self.messages, "max_completion_tokens": 9, "seed": 4])
        let completion = try await server.post(
            "/v1/completions",
            ["model": "text", "prompt": "[user]tea?[assistant]", "max_tokens": 9, "seed": 4])
        #expect(try reply.choice["message"]?["content"]?.stringValue == completion.texts.first)
        #expect(try reply.choice["message"]?["role"]?.stringValue == "assistant")
        #expect(try reply.json["object"]?.stringValue == "chat.completion")
        #expect(try reply.json["usage"] == completion.json["usage"])
        let parts = try await server.post(
            "/v1/chat/completions",
            [
                "model": "chat", "max_tokens": 9, "seed": 4,
                "messages": [
                    ["role": "user", "content": [["type": "text", "text": "te"], ["type": "text", "text": "a?"]]]
                ],
            ])
        #expect(try parts.choice["message"] == reply.choice["message"])
    }

    @Test("A stream begins with the role, has the text of the whole, and ends with the reason")
    func stream() async throws {
        let server = try TestServer(models: ["chat"])
        let body: [(String, JSON)] = [
            ("messages", Self.messages), ("max_tokens", 9), ("seed", 4), ("logprobs", true), ("top_logprobs", 2),
        ]
        let whole = try await server.post("/v1/chat/completions", .object(JSONObject(body)))
        let reply = try await server.post("/v1/chat/completions", .object(JSONObject(body + [("stream", true)])))
        let choices = try reply.chunks.compactMap { $0["choices"]?.arrayValue?.first }
        #expect(choices.first?["delta"] == ["role": "assistant", "content": ""])
        let text = choices.compactMap { $0["delta"]?["content"]?.stringValue }.joined()
        #expect(try text == whole.choice["message"]?["content"]?.stringValue)
        #expect(choices.compactMap { $0["finish_reason"]?.stringValue } == ["length"])
        let content = try #require(try whole.choice["logprobs"]?["content"]?.arrayValue)
        #expect(content.count == 9 && content.allSatisfy { $0["top_logprobs"]?.arrayValue?.count == 2 })
        #expect(choices.flatMap { $0["logprobs"]?["content"]?.arrayValue ?? [] } == content)
    }

    @Test("An answer ends where the context is full")
    func context() async throws {
        let server = try TestServer(models: ["chat"])
        let reply = try await server.post("/v1/chat/completions", ["messages": Self.messages, "seed": 4])
        let usage = try reply.json["usage"]
        #expect(usage?["total_tokens"]?.intValue ?? 0 <= TestServer.context)
        let long = String(repeating: "tea", count: 40)
        let refused = try await server.post(
            "/v1/chat/completions", ["messages": [["role": "user", "content": .string(long)]]])
        #expect(refused.status == 400)
        #expect(try refused.error.parameter == "messages")
    }

    @Test(
        "What is wrong with a request is named",
        arguments: [
            ("messages", [], "messages"), ("messages", [5], "messages"), ("messages", [["content": "a"]], "messages"),
            ("messages", [["role": "user", "content": [["type": "image_url"]]]], "messages"),
            ("tools", [["type": "function"]], "tools"), ("response_format", ["type": "json_object"], "response_format"),
            ("top_logprobs", 3, "top_logprobs"), ("model", "text", "model"),
            ("max_completion_tokens", 0, "max_completion_tokens"),
        ] as [(String, JSON, String)])
    func errors(field: String, value: JSON, parameter: String) async throws {
        let server = try TestServer(models: ["chat", "text"])
        var members: [(String, JSON)] = [("model", "chat"), ("messages", Self.messages)]
        members.removeAll { $0.0 == field }
        let reply = try await server.post("/v1/chat/completions", .object(JSONObject(members + [(field, value)])))
        #expect(reply.status == 400)
        #expect(try reply.error.parameter == parameter)
    }
}
