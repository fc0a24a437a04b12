import GPTKit
import Interchange
import StrictJSON
import TestSupport
import Testing

@Suite struct ExplainCommandTests {
    let directory = TemporaryDirectory()

    private func gpt(_ arguments: [String], input: String? = nil) throws -> CommandResult {
        try runCommand(["explain"] + arguments, input: input ?? "", directory: directory.path)
    }

    @Test("The report has the surprise of the tokens, the lens and the heads, without colours in a pipe")
    func report() throws {
        let model = try Models.transformer(in: directory)
        let result = try gpt([model, "--prompt", "tea for\\n"])
        #expect(result.status == 0 && result.errorText == "")
        for part in [
            "t e   a   \u{B7}", "8 tokens", "bits per token", "most probable", "Logit lens", "layer 0", "\u{B7}", "\\n",
            "Strongest, induction: layer ",
        ] {
            #expect(result.text.contains(part), "\(part)")
        }
        #expect(!result.text.contains("\u{1B}"))
        // Two layers of four heads.
        #expect(result.text.contains("    1     3  "))
        for arguments in [["--prompt", "-"], []] {
            #expect(try gpt([model] + arguments, input: "tea for\n").text == result.text)
        }
        let ids = try ModelDirectory.load(model).tokenizer.encode("tea for\n").map { String($0) }
        #expect(try gpt([model, "--ids", ids.joined(separator: ", ")]).text == result.text)
    }

    @Test("A head is shown as a map")
    func map() throws {
        let model = try Models.transformer(in: directory)
        let result = try gpt([model, "--prompt", "tea", "--layer", "1", "--head", "3"])
        #expect(result.text.contains("Attention of layer 1, head 3"))
        // The first position attends to itself alone.
        #expect(result.text.contains("0 t \u{2502}\u{2588}\u{2588}    \u{2502} 0 t 1.00"))
        for (arguments, reason) in [
            (["--layer", "2", "--head", "0"], "layer 2 does not exist: the model has the layers 0 to 1"),
            (["--layer", "0", "--head", "4"], "head 4 does not exist: the layer has the heads 0 to 3"),
        ] {
            #expect(try gpt([model, "--prompt", "tea"] + arguments).isRefusal(reason))
        }
    }

    @Test("The files have the patterns: by name in JSON, packed in the page")
    func files() throws {
        let model = try Models.transformer(in: directory), json = directory.file("a.json")
        let result = try gpt([
            model, "--prompt", "tea", "--json", json, "--hidden", "--html",
            "a.html", "--top", "3",
        ])
        #expect(result.status == 0 && result.text == "" && result.errorLines.count == 2)
        let object = try JSON(parsing: Fixtures.bytes(json))
        #expect(object["blocks.1.attn.hook_pattern"]?.arrayValue?.count == 4)
        #expect(object["blocks.0.hook_resid_pre"]?.arrayValue?.count == 3)
        #expect(object["top"]?.arrayValue?[1].arrayValue?.count == 3)
        let page = String(decoding: try Fixtures.bytes(directory.file("a.html")), as: UTF8.self)
        let start = try #require(page.firstRange(of: "<script type=\"application/json\" id=\"explanation\">"))
        let rest = page[start.upperBound...], end = try #require(rest.firstRange(of: "</script>"))
        let embedded = try JSON(parsing: Array(rest[..<end.lowerBound].utf8))
        #expect(embedded["patterns"]?["layers"]?.arrayValue?.count == 2 && embedded["ids"] == object["ids"])
        #expect(!page.contains("<!--EXPLANATION-->"))
    }

    @Test("Nothing in an explanation ends the element that contains it")
    func escaped() throws {
        let text = "</script><!--"
        let model = try Models.transformer(in: directory, tokenizer: CharacterTokenizer(alphabetOf: [text]))
        #expect(try gpt([model, "--prompt", text, "--html", "a.html"]).status == 0)
        let page = String(decoding: try Fixtures.bytes(directory.file("a.html")), as: UTF8.self)
        let start = try #require(page.firstRange(of: "id=\"explanation\">"))
        let content = page[start.upperBound...].prefix { $0 != "<" }
        let embedded = try JSON(parsing: Array(content.utf8))
        #expect(embedded["tokens"]?.arrayValue?.compactMap(\.stringValue).joined() == text)
    }

    @Test("A classifier, a masked language model and a translator are explained")
    func otherKinds() throws {
        let tokenizer = try CharacterTokenizer(alphabetOf: ["abcdefgh "]).adding(.bert)
        func save(_ head: EncoderConfiguration.Head, _ name: String) throws -> String {
            let encoder = Encoder(
                EncoderConfiguration(
                    vocabularySize: tokenizer.vocabularySize, contextLength: 12, layers: 2, heads: 2, width: 16,
                    head: head),
                seed: 1)
            let path = directory.file(name)
            try ModelDirectory.save(
                encoder, tokenizer: tokenizer,
                description: ModelDescription(for: tokenizer, of: .encoder(encoder.configuration)), to: path)
            return path
        }
        let classifier = try gpt([try save(.classifier(labels: ["good", "bad"]), "classifier"), "--prompt", "abc"])
        #expect(classifier.status == 0 && classifier.text.contains("probability") && classifier.text.contains("good"))
        #expect(classifier.text.contains("[CLS] a b c [SEP]") && !classifier.text.contains("Logit lens"))
        let masked = try gpt([try save(.maskedTokens, "masked"), "--prompt", "ab[MASK]"])
        #expect(masked.status == 0 && masked.text.contains("[MASK]") && masked.text.contains("at the position"))

        let marian = try CharacterTokenizer(alphabetOf: ["abcdefgh "]).adding(.marian)
        let padding = try #require(marian.paddingID), path = directory.file("translator")
        let translator = EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: marian.vocabularySize, contextLength: 12, width: 16,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 32),
                decoder: .init(layers: 1, heads: 2, feedForwardWidth: 32), startToken: padding, endToken: padding + 1,
                paddingToken: padding), seed: 5)
        try ModelDirectory.save(
            translator, tokenizer: marian,
            description: ModelDescription(for: marian, of: .encoderDecoder(translator.configuration)), to: path)
        let translated = try gpt([path, "--prompt", "bad"])
        #expect(translated.status == 0 && translated.text.contains("source       b a d </s>"))
        #expect(translated.text.contains("Cross-attention of layer 0, head "))
        #expect(
            try gpt([path, "--prompt", "bad", "--special", "allow"]).isRefusal("--special applies to language models"))
    }

    @Test("What cannot be explained is one line")
    func refusals() throws {
        let model = try Models.transformer(in: directory)
        #expect(try gpt([model, "--prompt", "tea for two and two"]).isRefusal("more than the model's context of 16"))
        #expect(try gpt([model, "--prompt", "xyz"]).isRefusal("is not in the alphabet"))
        #expect(try gpt([model, "--ids", "1 2 99"]).isRefusal("99 is not a token id of the model"))
        #expect(try gpt([model, "--ids", ""]).isRefusal("there are no tokens"))
        let other = TemporaryDirectory()
        #expect(try gpt([Models.parrot(in: other), "--prompt", "tea"]).isRefusal("has no weights"))
    }

    @Test(
        "Options that contradict each other are wrong usage",
        arguments: [
            ["--prompt", "a", "--ids", "1"], ["--ids", "1,x"], ["--top", "0"], ["--top", "101"], ["--layer", "1"],
            ["--head", "1"], ["--layer", "-1", "--head", "0"], ["--json", "-"], ["--html", ""], ["--hidden"],
            ["--layer", "0", "--head", "0", "--json", "a"],
        ])
    func usage(_ arguments: [String]) throws {
        #expect(try gpt(["model"] + arguments).status == 64)
    }
}
