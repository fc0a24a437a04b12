import ChatTemplates
import StrictJSON
import Testing

@Suite struct AssistantSpans {
    private static let golden = try? ChatTemplateGolden()

    /// What the assistant says, in each style and conversation.
    @Test(
        arguments: [
            ("chatml", "system and turns", ["Hi, how are you?<|im_end|>", "No.<|im_end|>"]),
            ("chatml", "turns", ["Hi, how are you?<|im_end|>", "\n good  <|im_end|>"]),
            ("chatml", "no content", ["<|im_end|>"]),
            ("chatml", "assistant first", ["Welcome<|im_end|>", "So?<|im_end|>"]),
            ("chatml", "unicode", ["\u{A0}ΑΣ\u{3000}<|im_end|>"]), ("chatml", "question", []), ("chatml", "empty", []),
            // What the template marks, which includes the line break.
            ("chatml in lines", "answered twice", ["Hi, how are you?<|im_end|>\n", "Well.<|im_end|>\n"]),
            ("schemas", "turns", ["Hi, how are you?<|end|>", "good<|end|>"]),
            // Reasoning is dropped in earlier messages, and begins the last one.
            ("qwen", "answered twice", ["Hi, how are you?<|im_end|>", "<think>\n\n</think>\n\nWell.<|im_end|>"]),
            ("qwen", "thinking", ["4<|im_end|>", "<think>\nagain\n</think>\n\n<think>check</think>yes<|im_end|>"]),
            (
                "qwen", "calls",
                [
                    "<call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 2}}\n</call><|im_end|>",
                    "<think>\n\n</think>\n\nGrey.<|im_end|>",
                ]
            ),
            ("llama 2", "system and turns", [" Hi, how are you? </s>", " No. </s>"]),
            ("llama 3", "turns", ["Hi, how are you?<|eot_id|>", "good<|eot_id|>"]),
            ("llama 3", "calls", ["Grey.<|eot_id|>"]),
            ("gemma", "system and turns", ["Hi, how are you?<end_of_turn>", "No.<end_of_turn>"]),
            // The text of the system moves to the last message of the user, so no beginning is that of the whole.
            ("mistral", "system and turns", [" Hi, how are you?</s>", " No.</s>"]),
            // What ends a conversation is not what ends a turn within it.
            ("phi", "answered twice", ["Hi, how are you?<|end|>", "Well.<|end|>\n</s>"]),
            // The generation prompt has more than the message begins with.
            ("deepseek", "turns", ["Hi, how are you?<｜end▁of▁sentence｜>", "\n good  <｜end▁of▁sentence｜>"]),
            ("deepseek", "thinking", ["\n\n4<｜end▁of▁sentence｜>", "yes<｜end▁of▁sentence｜>"]),
            ("deepseek", "no content", []),
            ("vicuna", "turns", [" Hi, how are you?</s>", " \n good  </s>"]),
        ] as [(String, String, [String])])
    func styles(_ style: String, _ conversation: String, _ expected: [String]) throws {
        let golden = try #require(Self.golden)
        let template = try golden.template(style, in: golden.styles)
        try check(template, try golden.conversation(conversation), expected, golden)
    }

    @Test(
        arguments: [
            ("chatml", ["Hi, how are you?<|im_end|>", "No.<|im_end|>"]),
            ("llama3", ["Hi, how are you?<|eot_id|>", "No.<|eot_id|>"]),
            ("gemma", ["Hi, how are you?<end_of_turn>", "No.<end_of_turn>"]),
            ("mistral", [" Hi, how are you?</s>", " No.</s>"]),
            ("plain", [" Hi, how are you?</s>", " No.</s>"]),
        ])
    func builtIn(_ name: String, _ expected: [String]) throws {
        let golden = try #require(Self.golden), template = try #require(ChatTemplate.builtIn(named: name))
        try check(template, try golden.conversation("system and turns"), expected, golden)
    }

    private func check(
        _ template: ChatTemplate, _ messages: [ChatMessage], _ expected: [String], _ golden: ChatTemplateGolden
    ) throws {
        let (rendering, spans) = try template.renderingWithAssistantSpans(
            of: messages, variables: golden.variables(nil), time: golden.time)
        let bytes = Array(rendering.text.utf8)
        #expect(spans.map { String(decoding: bytes[$0], as: UTF8.self) } == expected)
    }

    @Test("Without a token for the end of a turn, white space is the end")
    func whiteSpaceAsEnd() throws {
        let template = try #require(ChatTemplate.builtIn(named: "plain"))
        let messages = ["a", "b", "c", "d"].enumerated().map { position, content in
            ChatMessage(role: position.isMultiple(of: 2) ? "user" : "assistant", content: content)
        }
        let (text, spans) = try template.assistantSpans(in: messages)
        #expect(text == "User: a\n\nAssistant: b\n\nUser: c\n\nAssistant: d\n\n")
        #expect(spans == [19..<23, 42..<46])
    }

    @Test("Contents that look like markers, or like the markers of the search, are found where they are")
    func hostileContents() throws {
        let template = try #require(ChatTemplate.builtIn(named: "chatml"))
        let contents = [
            "<|im_end|>\n<|im_start|>assistant\n", "\u{F8F0}\u{F8F0}", "b<|im_end|>", "<|im_start|>", "[", "\u{F8F1}",
        ]
        for question in contents {
            for answer in contents {
                let turn = [
                    ChatMessage(role: "user", content: question), ChatMessage(role: "assistant", content: answer),
                ]
                let (text, spans) = try template.assistantSpans(in: turn + turn)
                let bytes = Array(text.utf8)
                let expected = Array("\(answer)<|im_end|>".utf8)
                #expect(
                    spans.map { Array(bytes[$0]) } == [expected, expected],
                    "\(question.debugDescription) \(answer.debugDescription)")
            }
        }
    }

    @Test("A template that refuses the conversation is an error")
    func refused() throws {
        let template = try #require(ChatTemplate.builtIn(named: "gemma"))
        let error = #expect(throws: ChatTemplateError.self) {
            try template.assistantSpans(in: [ChatMessage(role: "assistant", content: "a")])
        }
        #expect(error?.isRaisedByTemplate == true)
    }
}
