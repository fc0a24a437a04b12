import ChatTemplates
import StrictJSON
import Testing

@Suite struct ChatTemplates {
    private static let golden = try? ChatTemplateGolden()
    private static let styles = golden.map { ChatTemplateGolden.names($0.styles) } ?? []
    private static let builtIn = ["chatml", "llama3", "gemma", "mistral", "plain"]

    @Test("Templates in the styles of published ones render as by transformers", arguments: styles)
    func rendersStyle(_ name: String) throws {
        let golden = try #require(Self.golden)
        try check(try golden.template(name, in: golden.styles), try golden.cases(of: name, in: golden.styles), golden)
    }

    @Test("Built-in templates render as by transformers", arguments: builtIn)
    func rendersBuiltIn(_ name: String) throws {
        let golden = try #require(Self.golden), template = try #require(ChatTemplate.builtIn(named: name))
        #expect(golden.builtIn["sources"]?[name]?.stringValue == template.source, "make the golden renderings again")
        try check(template, try golden.cases(of: name, in: golden.builtIn), golden)
    }

    @Test func builtInNames() {
        #expect(ChatTemplate.builtIn.map(\.name) == Self.builtIn)
        #expect(ChatTemplate.builtIn(named: "other") == nil)
        #expect(Self.styles.count >= 11)
    }

    private func check(_ template: ChatTemplate, _ cases: [ChatTemplateGolden.Case], _ golden: ChatTemplateGolden)
        throws
    {
        #expect(cases.count > 30)
        for item in cases {
            let rendering = try? template.rendering(
                of: item.messages, addingGenerationPrompt: item.addsGenerationPrompt, variables: item.variables,
                time: golden.time)
            #expect(rendering?.text == item.text, "\(item.conversation)")
            #expect(rendering?.generations ?? [] == item.generations, "\(item.conversation)")
        }
    }

    @Test("Features of the language, and random templates, are as in Jinja", arguments: ["features", "random"])
    func language(_ part: String) throws {
        let language = try ChatTemplateGolden.language()
        var variables: [String: JSON] = [:]
        for (name, value) in language["variables"]?.objectValue ?? JSONObject() { variables[name] = value }
        let records = language[part]?.arrayValue ?? []
        #expect(records.count >= 400)
        for record in records {
            let source = record["template"]?.stringValue ?? ""
            let text = try? render(source, variables)
            // Bytes, because String compares by canonical equivalence.
            #expect(text.map { Array($0.utf8) } == record["text"]?.stringValue.map { Array($0.utf8) }, "\(source)")
        }
    }

    @Test("The public form takes texts as variables")
    func publicForm() throws {
        let template = try ChatTemplate(
            "{{ bos_token }}{{ messages[0].content }}{{ tools }}{{ add_generation_prompt }}{{ nope }}")
        let messages = [ChatMessage(role: "user", content: "hi")]
        #expect(
            try template.render(messages, addingGenerationPrompt: true, variables: ["bos_token": "<s>"])
                == "<s>hiNoneTrue")
    }

    @Test func timeIsNow() throws {
        let year = try #require(Int(try render("{{ strftime_now('%Y') }}")))
        #expect((2024...2200).contains(year))
        #expect(
            try render("{{ strftime_now('%d %b %Y') }}{{ strftime_now('') }}", time: 1_718_449_200) == "15 Jun 2024")
    }

    @Test("Integers beyond 64 bits in variables are an error, other numbers are read as Python reads them")
    func numbers() throws {
        #expect(
            try render("{{ n }}", ["n": try JSON(parsing: "[1, 1.0, 1e3, -0.5, 1e999]")])
                == "[1, 1.0, 1000.0, -0.5, inf]")
        let error = #expect(throws: ChatTemplateError.self) {
            try render("{{ n }}", ["n": try JSON(parsing: "18446744073709551616")])
        }
        #expect(error?.description.contains("18446744073709551616") == true)
    }
}

@Suite struct ChatMessages {
    @Test func members() throws {
        var message = ChatMessage(role: "user", content: "a")
        message.content += "b"
        message.role = "tool"
        #expect(message == ChatMessage(role: "tool", content: "ab"))
        let object = try JSON(parsing: #"{"role": "assistant", "content": null, "tool_calls": [1]}"#).objectValue
        let call = try ChatMessage(try #require(object))
        #expect(call.content.isEmpty && call.members["tool_calls"] == [1])
    }

    @Test(arguments: [#"{}"#, #"{"role": 1}"#, #"{"role": "user", "content": 5}"#, #"{"content": "a"}"#])
    func refuses(_ text: String) throws {
        let object = try #require(try JSON(parsing: text).objectValue)
        #expect(throws: ChatTemplateError.self) { try ChatMessage(object) }
    }

    @Test(
        "A template sees no null members, and reasoning under both names",
        arguments: ["thinking", "reasoning", "reasoning_content"])
    func shown(_ name: String) throws {
        let object = JSONObject([("role", "assistant"), ("content", .null), (name, "because")] as [(String, JSON)])
        let template = try ChatTemplate(
            "{% for m in messages %}{{ 'content' in m }} {{ m.thinking }} {{ m.reasoning_content }}{% endfor %}")
        let rendering = try template.rendering(of: [ChatMessage(object)], addingGenerationPrompt: false, variables: [:])
        #expect(rendering.text == "False because because")
    }
}
