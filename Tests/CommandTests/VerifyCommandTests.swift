import TestSupport
import Testing

@Suite struct VerifyCommandTests {
    @Test("The engine agrees with PyTorch and says so", arguments: ["1", "2"])
    func verifies(threads: String) throws {
        let result = try runCommand(["verify", Fixtures.reference, "--threads", threads, "--json"])
        #expect(result.status == 0)
        #expect(result.lines.last?.hasPrefix(#"{"passed":true,"#) == true)
        #expect(result.lines.dropLast().last?.hasPrefix("verified") == true)
    }

    @Test("What is not a reference is one line")
    func absent() throws {
        let directory = TemporaryDirectory()
        for path in [directory.path, directory.file("nothing")] {
            let result = try runCommand(["verify", path])
            #expect(result.status == 1)
            #expect(result.errorLines.count == 1 && result.errorText.hasPrefix("gpt: "))
        }
    }

    @Test("A number that means nothing is refused by what it means", arguments: ["-1", "0", "256"])
    func threads(number: String) throws {
        let result = try runCommand(["verify", Fixtures.reference, "--threads", number])
        #expect(result.status == 64)
        #expect(result.errorLines.first == "Error: --threads is \(number); it must be between 1 and 255.")
    }

    @Test("An instruction set that the machine lacks is refused")
    func kernels() throws {
        let result = try runCommand(["verify", Fixtures.reference], environment: ["GPT_KERNELS": "abacus"])
        #expect(result.status == 1)
        #expect(result.errorText.contains("abacus") && result.errorText.contains("scalar"))
    }
}
