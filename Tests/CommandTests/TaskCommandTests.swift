import GPTKit
import StrictJSON
import TestSupport
import Testing

/// `gpt train --task`, `gpt classify` and `gpt test --data`.
@Suite struct TaskCommandTests {
    let directory = TemporaryDirectory()
    static let tiny = [
        "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--tokenizer", "wordpiece:60",
    ]

    init() throws {
        var csv = "opinion,review,number\r\n"
        for noun in ["cat", "dog", "mat", "rat", "hat", "bat", "sun", "sea"] {
            csv += "good,\"the \(noun), it is \"\"good\"\"\",1\r\nbad,a bad \(noun),2\r\n"
            csv += "good,good is the \(noun),1\r\nbad,\"the \(noun)\nis bad\",2\r\n"
        }
        try directory.write(Array(csv.utf8), to: "reviews.csv")
    }

    private func gpt(_ arguments: [String], input: String? = nil) throws -> CommandResult {
        try runCommand(arguments, input: input, directory: directory.path)
    }

    private static let columns = ["--text-column", "review", "--label-column", "opinion"]

    private func train(_ more: String...) throws -> CommandResult {
        try gpt(
            ["train", "--task", "classify", "--data", "reviews.csv", "--steps", "60", "--out", "run", "--lr", "0.01"]
                + Self.columns + Self.tiny + more)
    }

    @Test("A classifier is trained, tested beside its baselines, and labels lines")
    func classifier() throws {
        let trained = try train()
        try #require(trained.status == 0, "\(trained.errorText)")
        for part in ["accuracy", "naive Bayes", "most frequent label", "gpt classify run", "2 labels"] {
            #expect(trained.text.contains(part) || trained.errorText.contains(part), "\(part): \(trained.text)")
        }
        let labels = try gpt(["classify", "run"], input: "the sun is good\nbad sea\r\n\nlast without a line end: good")
        try #require(labels.status == 0, "\(labels.errorText)")
        #expect(labels.lines.count == 4)
        let words = labels.lines.map { $0.split(separator: "\t").map(String.init) }
        #expect(words[0][0] == "good" && words[1][0] == "bad" && words.allSatisfy { $0.count == 2 })
        let json = try gpt(["classify", "run", "--json"], input: "bad sea\n")
        let object = try JSON(parsing: Array(json.text.utf8))
        #expect(object["label"] == "bad" && object["probabilities"]?["good"]?.doubleValue ?? 1 < 0.5)

        // The columns are those of the training.
        let tested = try gpt(["test", "run", "--data", "reviews.csv", "--json"])
        try #require(tested.status == 0, "\(tested.errorText)")
        let figures = try JSON(parsing: Array(try #require(tested.lines.last).utf8))
        for name in ["accuracy", "macro_f1", "majority_accuracy", "naive_bayes_accuracy", "loss"] {
            #expect(figures[name]?.doubleValue != nil, "\(name)")
        }
        #expect(figures["majority_accuracy"]?.doubleValue == 0.5 && figures["texts"]?.intValue == 32)
        #expect(try gpt(["info", "run"]).text.contains("a classifier of 2 labels"))

        // What it was trained on has changed since.
        try directory.write(Array("opinion,review\ngood,x\nbad,y\n".utf8), to: "reviews.csv")
        let without = try gpt(["test", "run", "--data", "reviews.csv", "--json"])
        #expect(without.errorText.contains("has changed since the training"))
        #expect(without.lines.last?.contains("\"naive_bayes_accuracy\":null") == true)
    }

    @Test("A run is continued, and keeps its table and its columns")
    func resume() throws {
        try #require(try train().status == 0)
        let resumed = try gpt(["train", "--resume", "run", "--steps", "70"])
        #expect(resumed.status == 0 && resumed.errorText.contains("Resuming from step 60"), "\(resumed.errorText)")
        let complete = try gpt(["train", "--resume", "run"])
        #expect(complete.status == 0 && complete.errorText.contains("is complete (70 steps)"))
        let other = try gpt(["train", "--resume", "run", "--label-column", "number"])
        #expect(other.status == 1 && other.errorText.contains("leave out --label-column"))
        let changed = try gpt(["train", "--resume", "run", "--steps", "80", "--batch", "5"])
        #expect(changed.status == 1 && changed.errorText.contains("leave out --batch"))
    }

    @Test("An encoder learns a text first, and a classifier starts from it")
    func masked() throws {
        try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt")
        let masked = try gpt(
            ["train", "--task", "masked", "--text", "verse.txt", "--steps", "5", "--out", "encoder"] + Self.tiny)
        try #require(masked.status == 0, "\(masked.errorText)")
        #expect(masked.text.contains("masked: ") && masked.text.contains("nats per masked token"))
        let classifier = try gpt(
            [
                "train", "--task", "classify", "--data", "reviews.csv", "--from", "encoder", "--steps", "5", "--out",
                "run",
            ]
                + Self.columns)
        #expect(
            classifier.status == 0 && classifier.errorText.contains("weights from encoder"), "\(classifier.errorText)")
    }

    @Test(
        "Tables that cannot be used are refused in one line that says where",
        arguments: [
            ("a.csv", "text,kind\nx,a\ny,b\n", ["no column \"label\"", "\"text\" and \"kind\""]),
            ("a.csv", "text,label\nx,a\ny,a\n", ["every row has the label \"a\""]),
            ("a.csv", "text,label\n,a\ny,b\n", ["line 2 has an empty \"text\""]),
            ("a.tsv", "text\tlabel\nx\ta\ny\n", ["line 3"]), ("a.csv", "", ["empty"]),
            ("a.txt", "text,label\nx,a\ny,b\n", [".csv"]),
            ("a.csv", "text,label\nx,a\ny,b\n", ["too short"]),
        ])
    func tables(_ name: String, _ contents: String, _ parts: [String]) throws {
        try directory.write(Array(contents.utf8), to: name)
        let result = try gpt(["train", "--task", "classify", "--data", name, "--out", "run"] + Self.tiny)
        #expect(result.status == 1)
        #expect(result.errorText.split(separator: "\n").count == 1, "\(result.errorText)")
        for part in parts { #expect(result.errorText.contains(part), "\(result.errorText)") }
        #expect(try gpt(["info", "run"]).status == 1)
    }

    @Test(
        "Options that do not apply to a task are wrong usage",
        arguments: [
            (["--data", "reviews.csv"], "--data applies to the task classify or translate only"),
            (["--task", "masked", "--label-column", "x"], "--label-column applies to the task classify only"),
            (["--task", "translate", "--text", "a"], "--text does not apply to --task translate"),
            (["--task", "classify", "--model", "gpt"], "--model applies to --task text"),
            (["--task", "classify", "--preset", "seed"], "--preset applies to --task text"),
            (["--task", "classify", "--positions", "rotary"], "--positions does not apply to --task classify"),
            (["--task", "classify", "--document-separator", "x"], "--document-separator does not apply"),
            (["--task", "classify", "--data", "a.csv", "--data", "b.csv"], "give one --data"),
            (["--task", "translate", "--data", "a", "--data", "b", "--source-column", "x"], "have no columns"),
            (["--task", "classify", "--data", "a.csv", "--text", "b"], "not both"),
            (["--task", "clasify"], "classify"),
            (["--label-smoothing", "0.1"], "--label-smoothing does not apply to --model gpt"),
        ])
    func usage(_ arguments: [String], _ reason: String) throws {
        let result = try gpt(["train"] + arguments)
        #expect(result.status == 64 && result.errorText.contains(reason), "\(result.errorText)")
    }

    @Test("Lines that cannot be classified, and models that cannot classify, are refused in one line")
    func refused() throws {
        try #require(try train().status == 0)
        let pair = try gpt(["classify", "run", "--pairs"], input: "one\ttwo\nonly one\n")
        #expect(pair.status == 1 && pair.errorText.contains("standard input, line 2"), "\(pair.errorText)")
        let model = try Models.transformer(in: directory)
        let other = try gpt(["classify", model], input: "x\n")
        #expect(other.status == 1 && other.errorText.contains("without labels"), "\(other.errorText)")
        let table = try gpt(["test", model, "--data", "reviews.csv"])
        #expect(table.status == 1 && table.errorText.contains("evaluate it with --text"), "\(table.errorText)")
        let neither = try gpt(["test", "run"])
        #expect(neither.status == 64 && neither.errorText.contains("--data"), "\(neither.errorText)")
        let unseen = "opinion,review\ngood,x\nodd,y\n"
        try directory.write(Array(unseen.utf8), to: "unseen.csv")
        let label = try gpt(["test", "run", "--data", "unseen.csv"])
        #expect(label.status == 1 && label.errorText.contains("line 3 has the label \"odd\""), "\(label.errorText)")
    }
}
