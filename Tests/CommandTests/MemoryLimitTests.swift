import Foundation
import TestSupport
import Testing

#if os(Linux)
    /// What the commands do with less memory than the machine has: `ulimit -v` bounds them to 3 GiB.
    @Suite struct MemoryLimitTests {
        let directory = TemporaryDirectory()

        @Test func aTextLargerThanTheLimitIsRefused() throws {
            let model = try Models.parrot(in: directory)
            let text = directory.file("text.txt")
            try makeSparse(text, 5 << 30)
            let result = try run(["test", model, "--text", text])
            #expect(result.status == 1)
            #expect(result.errors == "gpt: cannot read \(text): it is larger than the memory there is\n")
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
            let result = try run(["info", path])
            #expect(result.status == 1)
            #expect(result.errors.contains("need 4294 MB and there are 3221 MB of memory"), "\(result.errors)")
        }

        private func makeSparse(_ path: String, _ length: Int) throws {
            let file = open(path, O_WRONLY | O_CREAT, 0o600)
            defer { close(file) }
            try #require(ftruncate(file, off_t(length)) == 0)
        }

        private func run(_ arguments: [String]) throws -> (status: Int32, errors: String) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            let errors = directory.file("errors.txt")
            process.arguments =
                ["-c", #"ulimit -v 3145728; exec "$0" "$@" 2>"\#(errors)" >/dev/null </dev/null"#]
                + [RunningCommand.executable] + arguments
            try process.run()
            process.waitUntilExit()
            let status = process.terminationStatus
            return (status, String(decoding: try Fixtures.bytes(errors), as: UTF8.self))
        }
    }
#endif
