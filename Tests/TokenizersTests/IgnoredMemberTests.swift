import StrictJSON
import Testing
import Tokenizers

/// Members of a `tokenizer.json` that are without effect, or that say what is so anyway.
@Suite struct IgnoredMembers {
    @Test(
        "Truncation and padding are for batches, and change nothing",
        arguments: [
            ("truncation", ["direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0]),
            (
                "padding",
                [
                    "strategy": ["Fixed": 9], "direction": "Left", "pad_to_multiple_of": nil, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "!",
                ]
            ),
        ] as [(String, JSON)])
    func batches(key: String, value: JSON) throws {
        #expect(try TokenizerJSON(members: [key: value]).read().encode("the the of") == [257, 258, 220, 78, 69])
        let error = #expect(throws: TokenizerError.self) { try TokenizerJSON(members: [key: 8]).read() }
        #expect(error?.description == "t.json: its \(key) is a number, not an object")
    }

    @Test("A model with merges whose type is not said is one of byte pairs, as in older files of GPT-2")
    func untyped() throws {
        let step: JSON = ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false]
        var model = try #require(TokenizerJSON().json["model"]?.objectValue)
        model["type"] = nil
        model["unk_token"] = ""
        model["merges"] = ["t h", "th e", "\u{120} the"]
        let tokenizer = try TokenizerJSON(postProcessor: step, members: ["model": .object(model)]).read()
        #expect(try tokenizer.encode("the the") == [257, 258])
        #expect(tokenizer.unknownToken == nil && tokenizer.template == TokenTemplate())
    }

    @Test("A dropout of 0 is none", arguments: [0, 0.0, nil] as [JSON])
    func noDropout(value: JSON) throws {
        #expect(try TokenizerJSON(modelMembers: ["dropout": value]).read().encode("the") == [257])
    }

    @Test(
        "Any other is refused",
        arguments: [(0.1, "random"), (1, "random"), (-1, "from 0 to 1"), ("0", "from 0 to 1")]
            as [(JSON, String)])
    func dropout(value: JSON, words: String) {
        let error = #expect(throws: TokenizerError.self) { try TokenizerJSON(modelMembers: ["dropout": value]).read() }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("A token for unknown text is never used where every byte has one, and is written back")
    func unknownToken() throws {
        let file = TokenizerJSON(added: [("<|e|>", ["special"])], modelMembers: ["unk_token": "<|e|>"])
        let tokenizer = try file.read()
        #expect(try tokenizer.encode("\u{0}\u{6F22}").count == 4)
        #expect(try tokenizer.written().unknownToken == "<|e|>")
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerJSON(modelMembers: ["unk_token": 3]).read()
        }
        #expect(error?.description == "t.json: its unk_token is a number")
    }
}
