import StrictJSON
import TestSupport
import Testing

@Suite struct BenchCommandTests {
    private static let tiny = [
        "--layers", "1", "--heads", "1", "--width", "8", "--context", "16", "--vocabulary", "11", "--json",
    ]

    @Test("What was measured is a JSON object on the last line", arguments: ["train", "generate"])
    func json(subject: String) throws {
        let options = subject == "train" ? ["--batch", "2", "--seconds", "0.05"] : []
        let result = try runCommand(["bench", subject] + Self.tiny + options)
        #expect(result.status == 0)
        let object = try JSON(parsing: try #require(result.lines.last))
        #expect(object["what"]?.stringValue == subject)
        for key in ["tokens_per_second", "peak_rss_mb"] + (subject == "train" ? ["gflops", "peak_gflops"] : []) {
            #expect((object[key]?.doubleValue ?? 0) > 0, "\(key)")
        }
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
        for op in ["Linear", "Attention", "FeedForward", "CrossEntropy"] {
            #expect(result.lines.contains { $0.contains(op) }, "\(op)")
        }
    }

    @Test(
        "A shape that cannot be is one line",
        arguments: [
            ["train", "--heads", "3", "--width", "8"], ["train", "--length", "65"], ["train", "--batch", "0"],
            ["train", "--seconds", "-1"], ["generate", "--width", "99999999999"], ["train", "--layers", "-1"],
            ["train", "--heads", "-1"], ["generate", "--context", "-1"], ["train", "--vocabulary", "-1"],
            ["train", "--batch", "-1"], ["train", "--length", "-1"], ["generate", "--threads", "-1"],
        ])
    func shapes(arguments: [String]) throws {
        let result = try runCommand(["bench"] + arguments)
        #expect(result.status == 1)
        #expect(result.errorLines.count == 1 && result.errorText.hasPrefix("gpt: "))
    }

    @Test(
        "A shape that memory cannot hold is refused before it is taken",
        arguments: [
            ["train", "--width", "1048576", "--layers", "2", "--heads", "1", "--vocabulary", "1", "--context", "1"],
            [
                "train", "--batch", "1048576", "--context", "16777216", "--length", "16777216", "--layers", "1",
                "--width", "1", "--heads", "1",
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
            ["bench", "generate", "--profile"],
        ])
    func misuse(arguments: [String]) throws {
        #expect(try runCommand(arguments).status == 64)
    }
}
