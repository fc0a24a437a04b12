import GPTKit
import Interchange
import TestSupport
import Testing

@Suite struct LogitsCommandTests {
    @Test("The logits are those of PyTorch, for several rows at once")
    func reference() throws {
        let directory = TemporaryDirectory()
        let expected = try SafetensorsFile(path: Fixtures.reference + "/expected.safetensors")
        let shape = try expected.shape("input_ids")
        let inputs = try expected.integers("input_ids")
        let rows = (0..<shape[0]).map { row in
            "[" + inputs[row * shape[1]..<(row + 1) * shape[1]].map { "\($0)" }.joined(separator: ",") + "]"
        }
        let ids = "{\"input_ids\": [" + rows.joined(separator: ", ") + "], \"attention_mask\": null}"
        let out = directory.file("logits.safetensors")
        let result = try runCommand(["logits", Fixtures.reference, "--ids", "-", "--out", out], input: ids)
        #expect(result.status == 0 && result.output.isEmpty)
        let file = try SafetensorsFile(path: out)
        #expect(file.names == ["logits"])
        #expect(try file.entry("logits").dtype == .float32)
        #expect(try file.shape("logits") == expected.shape("logits"))
        let differences = zip(try file.floats("logits"), try expected.doubles("logits")).map { abs(Double($0) - $1) }
        #expect(differences.count > 0 && differences.allSatisfy { $0 < 3e-5 })
    }

    @Test(
        "What is no list of ids is one line that says where",
        arguments: [
            ("", "not JSON: line 1"), ("[[1]]", "it contains an array"), ("{}", "no input_ids"),
            (#"{"input_ids": 3}"#, "its input_ids are a number"), (#"{"input_ids": []}"#, "no rows"),
            (#"{"input_ids": [1, 2]}"#, "row 0 is a number"), (#"{"input_ids": [[1], []]}"#, "row 1 is empty"),
            (#"{"input_ids": [[1, 2], [1]]}"#, "row 1 has 1 ids and row 0 has 2"),
            (#"{"input_ids": [[1, -1]]}"#, "row 0 has -1 at position 1"),
            (#"{"input_ids": [[1, 1000000]]}"#, "has 1000000 at position 1"),
            (#"{"input_ids": [[1.5]]}"#, "has 1.5 at position 0"),
            (#"{"input_ids": [["a"]]}"#, #"has "a" at position 0"#),
            (#"{"input_ids": [[9223372036854775808]]}"#, "has 9223372036854775808"),
            (#"{"input_ids": [[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]}"#, "more than the model's context of 16"),
        ])
    func malformed(ids: String, reason: String) throws {
        let directory = TemporaryDirectory()
        let model = try Models.transformer(in: directory)
        let out = directory.file("logits.safetensors")
        try directory.write(Array(ids.utf8), to: "ids.json")
        let result = try runCommand(["logits", model, "--ids", directory.file("ids.json"), "--out", out])
        #expect(result.status == 1)
        #expect(result.errorLines.count == 1 && result.errorText.contains(reason), "\(result.errorText)")
        #expect(!directory.contents.contains { $0 != "ids.json" && $0 != "model" }, "nothing is left behind")
    }

    @Test("Logits that are no numbers are not written, and the weight that makes them so is named")
    func notFinite() throws {
        let directory = TemporaryDirectory(), out = directory.file("out")
        for (value, reason) in [(Float.nan, "transformer.wte.weight"), (.greatestFiniteMagnitude, "so large")] {
            let model = try Models.transformer(in: directory) { model in
                model.tokenEmbedding.value.withElements { $0.update(repeating: value) }
            }
            let result = try runCommand(["logits", model, "--ids", "-", "--out", out], input: #"{"input_ids": [[1]]}"#)
            #expect(result.status == 1 && result.errorLines.count == 1)
            #expect(result.errorText.contains(reason), "\(result.errorText)")
        }
        #expect(directory.contents == ["model"])
        #expect(try runCommand(["logits", "model", "--ids", "-", "--out", "-"]).status == 64)
    }

    @Test("The results of encoders and encoder-decoders are those of PyTorch", arguments: Fixtures.encoderReferences)
    func encoders(reference: String) throws {
        let directory = TemporaryDirectory(), out = directory.file("out.safetensors")
        let expected = try SafetensorsFile(path: reference + "/expected.safetensors")
        // The first row of each reference has no padding.
        func row(_ name: String) throws -> String {
            let length = try expected.shape(name)[1]
            return "[[\(try expected.integers(name)[..<length].map { "\($0)" }.joined(separator: ","))]]"
        }
        var members = ["input_ids": try row("input_ids")], rows = 1
        if expected.contains("token_type_ids") { members["token_type_ids"] = try row("token_type_ids") }
        if expected.contains("decoder_input_ids") {
            rows = try expected.shape("decoder_input_ids")[1]
            members["decoder_input_ids"] = try row("decoder_input_ids")
        } else if try expected.shape("logits").count == 3 {
            rows = try expected.shape("logits")[1]
        }
        let input = "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        let result = try runCommand(["logits", reference, "--ids", "-", "--out", out], input: input)
        #expect(result.status == 0, "\(result.errorText)")
        let file = try SafetensorsFile(path: out), columns = try #require(expected.shape("logits").last)
        #expect(try file.shape("logits").last == columns && file.floats("logits").count == rows * columns)
        for (number, other) in zip(try file.floats("logits"), try expected.doubles("logits")) {
            #expect(abs(Double(number) - other) < 3e-5)
        }
    }

    @Test(
        "Types and targets that do not belong to the ids are one line",
        arguments: [
            (0, #"{"input_ids": [[1]], "token_type_ids": [[0, 1]]}"#, "different shapes"),
            (0, #"{"input_ids": [[1]], "token_type_ids": [[2]]}"#, "not a type: the types of this model"),
            (2, #"{"input_ids": [[1]]}"#, "no decoder_input_ids"),
            (2, #"{"input_ids": [[1]], "decoder_input_ids": [[1], [2]]}"#, "different shapes"),
        ])
    func encoderIDs(reference: Int, ids: String, reason: String) throws {
        let directory = TemporaryDirectory()
        let result = try runCommand(
            ["logits", Fixtures.encoderReferences[reference], "--ids", "-", "--out", directory.file("out")], input: ids)
        #expect(result.status == 1 && result.errorLines.count == 1)
        #expect(result.errorText.contains(reason), "\(result.errorText)")
    }

    @Test("A model that counts has none")
    func counts() throws {
        let directory = TemporaryDirectory()
        let model = try Models.parrot(in: directory)
        let result = try runCommand(
            ["logits", model, "--ids", "-", "--out", directory.file("out")], input: #"{"input_ids": [[1]]}"#)
        #expect(result.status == 1 && result.errorText.contains("has no logits"))
    }
}
