import StrictJSON
import TestSupport
import Testing

@Suite struct BenchCommandTests {
    private static let tiny = [
        "--layers", "1", "--heads", "1", "--width", "8", "--context", "16", "--vocabulary", "11", "--json",
    ]

    /// The figures that each kind of measurement must give.
    private static let figures = [
        "train": ["tokens_per_second", "gflops", "peak_gflops"],
        "generate": ["tokens_per_second", "bytes_per_second", "peak_bytes_per_second"],
        "ops": ["peak_gflops", "peak_bytes_per_second"],
        "scale": ["tokens_per_second", "tokens_per_second_alone", "efficiency", "ranks"],
    ]

    @Test("What was measured is a JSON object on the last line", arguments: ["train", "generate", "ops", "scale"])
    func json(subject: String) throws {
        let options = ["--seconds", "0.05"] + (subject == "generate" ? [] : ["--batch", "2"])
        let result = try runCommand(["bench", subject] + Self.tiny + options)
        #expect(result.status == 0)
        let object = try JSON(parsing: try #require(result.lines.last))
        #expect(object["what"]?.stringValue == subject)
        for key in try #require(Self.figures[subject]) + ["peak_rss_mb"] {
            #expect((object[key]?.doubleValue ?? 0) > 0, "\(key)")
        }
        #expect(object["width"]?.intValue == 8 && object["vocabulary"]?.intValue == 11)
        #expect(object["preset"]?.stringValue == "default" && object["family"]?.stringValue == "llama")
    }

    @Test("A preset has its family, which can be changed", arguments: [nil, "qwen3"])
    func preset(family: String?) throws {
        let options = family.map { ["--family", $0] } ?? []
        let result = try runCommand(
            ["bench", "train", "--preset", "seed", "--batch", "2", "--seconds", "0.05"] + Self.tiny + options)
        let object = try JSON(parsing: try #require(result.lines.last))
        #expect(object["preset"]?.stringValue == "seed" && object["family"]?.stringValue == family ?? "gpt2")
    }

    @Test("A model of each family can be measured", arguments: ["gpt2", "llama", "qwen3"], ["train", "generate"])
    func families(family: String, subject: String) throws {
        let options =
            ["--family", family, "--seconds", "0.05"] + (subject == "train" ? ["--profile", "--batch", "2"] : [])
        let result = try runCommand(["bench", subject] + Self.tiny + options)
        #expect(result.status == 0)
        let object = try JSON(parsing: try #require(result.lines.last))
        #expect(object["family"]?.stringValue == family)
        #expect((object["tokens_per_second"]?.doubleValue ?? 0) > 0)
        guard subject == "train" else { return }
        let ops = try #require(object["profile"]?.arrayValue).compactMap { $0["name"]?.stringValue }
        #expect(ops.contains("GatedFeedForward") == (family != "gpt2"))
        #expect(ops.contains("LayerNorm") == (family == "gpt2"))
        // Two norms of a block and the last one, and in Qwen's models those of queries and of keys.
        let norms = try #require(object["profile"]?.arrayValue).first {
            $0["name"]?.stringValue?.hasSuffix("Norm") == true && $0["pass"]?.stringValue == "backward"
        }
        #expect(norms?["calls"]?.doubleValue == (family == "qwen3" ? 5 : 3))
    }

    @Test("ops measures every op in both directions, and every layout of a product")
    func ops() throws {
        let result = try runCommand(
            ["bench", "ops", "--family", "gpt2", "--batch", "2", "--seconds", "0.05"] + Self.tiny)
        let line = try #require(result.lines.last)
        let rows = try #require(JSON(parsing: line)["results"]?.arrayValue)
        func has(_ name: String, _ pass: String?) -> Bool {
            rows.contains { $0["name"]?.stringValue == name && $0["pass"]?.stringValue == pass }
        }
        for op in ["Embedding", "LayerNorm", "Linear", "Attention", "FeedForward", "Add", "Dropout"] {
            #expect(has(op, "forward") && has(op, "backward"), "\(op)")
        }
        #expect(has("CrossEntropy", "forward") && has("CrossEntropy", "both"))
        #expect(has("gradient norm", nil) && has("AdamW", nil))
        for layer in ["attention, in", "attention, out", "feed-forward, in", "feed-forward, out"] {
            for product in ["y = x W", "dX = dY W'", "dW = x' dY"] { #expect(has("\(layer): \(product)", nil)) }
        }
    }

    @Test("ops measures the operations and layers of the family", arguments: ["llama", "qwen3"])
    func opsOfFamily(family: String) throws {
        let result = try runCommand(
            ["bench", "ops", "--family", family, "--batch", "2", "--seconds", "0.05"] + Self.tiny)
        let object = try JSON(parsing: try #require(result.lines.last))
        #expect(object["family"]?.stringValue == family)
        let names = try #require(object["results"]?.arrayValue).compactMap { $0["name"]?.stringValue }
        for name in ["RMSNorm", "Rotary", "GatedFeedForward", "attention, keys: y = x W"] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(!names.contains("LayerNorm") && !names.contains("FeedForward"))
    }

    @Test("Generation has no batch to choose", arguments: ["--batch", "--length"])
    func batch(option: String) throws {
        let result = try runCommand(["bench", "generate", option, "2"] + Self.tiny)
        #expect(result.status == 64)
        #expect(result.errorText.contains(option))
    }

    @Test("int8 is for generation only", arguments: ["train", "ops"])
    func int8(subject: String) throws {
        let result = try runCommand(["bench", subject, "--precision", "int8"] + Self.tiny)
        #expect(result.status == 64)
        #expect(result.errorText.contains("int8"))
    }

    @Test("--profile adds the parts of a step, whose shares sum to the whole")
    func profile() throws {
        let result = try runCommand(["bench", "train", "--profile", "--batch", "2", "--seconds", "0.05"] + Self.tiny)
        #expect(result.status == 0)
        let object = try JSON(parsing: try #require(result.lines.last))
        let rows = try #require(object["profile"]?.arrayValue)
        #expect(rows.last?["name"]?.stringValue == "step")
        let shares = rows.dropLast().reduce(0) { $0 + ($1["share"]?.doubleValue ?? .nan) }
        #expect(abs(shares - 1) < 1e-6)
        for op in ["Linear", "Attention", "GatedFeedForward", "CrossEntropy"] {
            #expect(result.lines.contains { $0.contains(op) }, "\(op)")
        }
    }

    @Test(
        "A shape that cannot be is misuse",
        arguments: [
            ["train", "--heads", "3", "--width", "8"], ["train", "--length", "129"], ["train", "--batch", "0"],
            ["train", "--seconds", "-1"], ["generate", "--width", "99999999999"], ["train", "--layers", "-1"],
            ["train", "--heads", "-1"], ["generate", "--context", "-1"], ["train", "--vocabulary", "-1"],
            ["train", "--batch", "-1"], ["train", "--length", "-1"], ["generate", "--threads", "-1"],
        ])
    func shapes(arguments: [String]) throws {
        let result = try runCommand(["bench"] + arguments)
        #expect(result.status == 64 && result.text == "")
        #expect(result.errorText.hasPrefix("Error: ") && result.errorText.contains("Usage: gpt bench"))
    }

    @Test(
        "A shape that memory cannot hold is refused before it is taken",
        arguments: [
            ["train", "--width", "1048576", "--layers", "2", "--heads", "1", "--vocabulary", "1", "--context", "1"],
            [
                "train", "--batch", "1048576", "--context", "16777216", "--length", "16777216", "--layers", "1",
                "--width", "2", "--heads", "1",
            ],
            ["generate", "--width", "1048576", "--layers", "4096", "--heads", "1"],
            ["generate", "--context", "16777216", "--layers", "4096", "--width", "1024", "--heads", "1"],
        ])
    func memory(arguments: [String]) throws {
        let result = try runCommand(["bench"] + arguments)
        #expect(result.status == 1)
        #expect(result.errorLines.count == 1)
        #expect(result.errorText.contains("too large for this machine"), "\(result.errorText)")
    }

    @Test(
        "Misuse shows the usage",
        arguments: [
            ["bench"], ["bench", "sleep"], ["bench", "train", "--preset", "huge"],
            ["bench", "generate", "--profile"], ["bench", "train", "--family", "bert"],
        ])
    func misuse(arguments: [String]) throws {
        #expect(try runCommand(arguments).status == 64)
    }
}
