import ChatTemplates
import Inference
import Interchange
import Models
import StrictJSON
import TestSupport
import Testing
import Tokenizers

@Suite struct ConversationTests {
    let directory = TemporaryDirectory()

    /// A model that answers "aaaaaa" and then ends its turn, as long as the prompt is short.
    private func saved(contextLength: Int = 200, template: String? = nil) throws -> SavedModel {
        var model = PublishedModel(special: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
        model.generateSixTimesAThen(261)
        model.configuration["n_positions"] = .int(contextLength)
        // The last token of "<|im_start|>assistant\n" is a newline; from there on the positions do not matter.
        var positions = [Float](repeating: 0, count: contextLength * model.width)
        for position in 0..<contextLength { positions[position * model.width] = 5 }
        model.tensors["transformer.wpe.weight"] = ([contextLength, model.width], positions)
        // An "a" is followed by "a"; the end of a turn is never reached but by its own logit.
        model.configuration["eos_token_id"] = 261
        model.files["tokenizer_config.json"] = [
            "eos_token": "<|im_end|>", "chat_template": template.map(JSON.string) ?? nil,
        ]
        let path = directory.file("model\(contextLength)")
        try model.write(to: path)
        return try ModelDirectory.load(path)
    }

    private let chatML = ChatTemplate.builtIn(named: "chatml")

    @Test("An answer becomes part of the conversation")
    func answers() throws {
        var conversation = try Conversation(with: try saved(), template: chatML, system: "Be short.")
        var shown = ""
        let answer = try conversation.answer(to: "the", length: 4, settings: .greedy) { shown += $0 }
        #expect(answer.text == "aaaa" && answer.end == .length && answer.omittedMessages == 0 && shown == "aaaa")
        #expect(
            conversation.messages == [
                ChatMessage(role: "system", content: "Be short."), ChatMessage(role: "user", content: "the"),
                ChatMessage(role: "assistant", content: "aaaa"),
            ])
        conversation.reset(system: nil)
        #expect(conversation.messages.isEmpty)
    }

    @Test("An answer that is stopped keeps what was said")
    func stops() throws {
        var conversation = try Conversation(with: try saved(), template: chatML)
        var tokens = 0
        let answer = try conversation.answer(
            to: "the", length: 9, settings: .greedy,
            shouldStop: {
                tokens += 1
                return tokens == 3
            })
        #expect(answer.text == "aaa" && answer.end == .stopped)
        #expect(conversation.messages.last?.content == "aaa")
    }

    @Test("The oldest messages are left out where the context is full, and a message that is too long is an error")
    func contextIsFull() throws {
        var conversation = try Conversation(with: try saved(contextLength: 80), template: chatML, system: "S")
        var omitted: [Int] = []
        for _ in 0..<4 {
            omitted.append(try conversation.answer(to: "the on the", length: 3, settings: .greedy).omittedMessages)
        }
        #expect(omitted == [0, 0, 2, 4])
        #expect(conversation.messages.count == 9)
        let before = conversation.messages
        #expect(throws: ConversationError.self) {
            try conversation.answer(to: String(repeating: "x", count: 90), settings: .greedy)
        }
        #expect(conversation.messages == before)
    }

    @Test("A model without a template needs one, and its own is used")
    func templates() throws {
        #expect(throws: ConversationError.noTemplate) { try Conversation(with: try saved()) }
        let own = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
        var model = PublishedModel(special: ["<|im_end|>"])
        model.files["tokenizer_config.json"] = ["eos_token": "<|im_end|>", "chat_template": .string(own)]
        try model.write(to: directory.file("own"))
        let conversation = try Conversation(with: try ModelDirectory.load(directory.file("own")))
        #expect(conversation.template.source == own)
    }
}
