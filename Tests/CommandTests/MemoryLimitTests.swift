import Foundation
import TestSupport
import Testing

#if os(Linux)
    /// What the commands do with less memory than the machine has, as `ulimit -v` limits it.
    @Suite struct MemoryLimitTests {
        let directory = TemporaryDirectory()

        /// With limited addresses there is no large reservation, and memory comes in regions.
        @Test(arguments: [150, 250, 1000, 12_000, 90_000])
        func trainingComputesTheSameBits(megabytes: Int) throws {
            let arguments = ["train", "--steps", "3", "--quiet", "--text", try shortText(), "--out"]
            let (free, limited) = (directory.file("free"), directory.file("limited"))
            #expect(try run(arguments + [free]).status == 0)
            let result = try run(arguments + [limited], megabytes: megabytes)
            #expect(result.status == 0, "\(result.errors)")
            #expect(
                try Fixtures.bytes(limited + "/model.safetensors") == Fixtures.bytes(free + "/model.safetensors"))
        }

        /// Less than the smallest training takes: wherever the allocation fails, there is one line and nothing is left.
        @Test(arguments: [29, 31, 33, 36])
        func tooLittleMemoryIsOneLine(megabytes: Int) throws {
            let result = try run(
                ["train", "--steps", "3", "--quiet", "--text", try shortText(), "--out", directory.file("run")],
                megabytes: megabytes)
            #expect([1, 127].contains(result.status))
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            if result.status == 1 { #expect(result.errors.hasPrefix("gpt: ")) }
            #expect(access(directory.file("run"), F_OK) != 0)
        }

        /// A limit of processes does not bind root, who therefore runs this as nobody.
        private static let asNobody = getuid() == 0 ? "setpriv --reuid=65534 --clear-groups " : ""

        private static func succeeds(_ command: String) -> Bool {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", command]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }

        @Test(
            .enabled(
                if: succeeds("\(asNobody) \(RunningCommand.executable) --version > /dev/null"),
                "needs bash and, for root, setpriv and an executable that nobody may run"))
        func threadsThatCannotBeStartedAreDoneWithout() throws {
            let text = try shortText()
            chmod(directory.path, 0o777)
            chmod(text, 0o644)
            let arguments =
                "train --quiet --text \(text) --steps 2 --layers 1 --heads 2 --width 16 --context 16 --batch 4 --threads"
            let (free, limited) = (directory.file("free"), directory.file("limited"))
            #expect(try run((arguments + " 1 --out \(free)").split(separator: " ").map(String.init)).status == 0)
            let errors = directory.file("limited.txt")
            #expect(
                Self.succeeds(
                    "ulimit -u 1; exec \(Self.asNobody) \(RunningCommand.executable) \(arguments) 8 --out \(limited) "
                        + "> /dev/null 2> \(errors)"))
            #expect(
                String(decoding: try Fixtures.bytes(errors), as: UTF8.self).hasPrefix(
                    "Only 1 of 8 threads could be started"))
            #expect(
                try Fixtures.bytes(limited + "/model.safetensors") == Fixtures.bytes(free + "/model.safetensors"))
        }

        private func shortText() throws -> String {
            let text = directory.file("short.txt")
            let line = "First we count the letters, then the pairs of letters, and at last whole words.\n"
            try #require(Fixtures.write(Array(String(repeating: line, count: 100).utf8), to: text))
            return text
        }

        @Test func aTextLargerThanTheLimitIsRefused() throws {
            let model = try Models.parrot(in: directory)
            let text = directory.file("text.txt")
            try makeSparse(text, 5 << 30)
            let result = try run(["test", model, "--text", text], megabytes: 3000)
            #expect(result.status == 1)
            #expect(
                result.errors.hasPrefix(
                    "gpt: cannot read \(text): a text of this length takes about 32,212 MB of memory, and "))
        }

        /// Half-precision numbers in the file, which take twice as much once they are read.
        @Test func aModelLargerThanTheLimitIsRefused() throws {
            let path = directory.file("model")
            try #require(Fixtures.makeDirectory(path))
            let configuration = #"{"model_type": "bigram", "vocab_size": 32768}"#
            try #require(Fixtures.write(Array(configuration.utf8), to: path + "/config.json"))
            var header = #"{"logits":{"dtype":"F16","shape":[32768,32768],"data_offsets":[0,2147483648]}}"#
            while header.utf8.count % 8 != 0 { header += " " }
            let length = (0..<8).map { UInt8(header.utf8.count >> (8 * $0) & 255) }
            let weights = path + "/model.safetensors"
            try #require(Fixtures.write(length + Array(header.utf8), to: weights))
            try makeSparse(weights, 8 + header.utf8.count + (2 << 30))
            let result = try run(["info", path], megabytes: 3000)
            #expect(result.status == 1)
            #expect(result.errors.contains("take about 4,294 MB of memory, and "), "\(result.errors)")
        }

        private func makeSparse(_ path: String, _ length: Int) throws {
            let file = open(path, O_WRONLY | O_CREAT, 0o600)
            defer { close(file) }
            try #require(ftruncate(file, off_t(length)) == 0)
        }

        private func run(
            _ arguments: [String], megabytes: Int? = nil
        ) throws -> (status: Int32, errors: String) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            let errors = directory.file("errors.txt")
            process.arguments =
                [
                    "-c",
                    #"ulimit -v \#(megabytes.map { "\($0 * 1000)" } ?? "unlimited"); exec "$0" "$@" 2>"\#(errors)" >/dev/null </dev/null"#,
                ]
                + [RunningCommand.executable] + arguments
            try process.run()
            process.waitUntilExit()
            let status = process.terminationStatus
            return (status, String(decoding: try Fixtures.bytes(errors), as: UTF8.self))
        }
    }
#endif
