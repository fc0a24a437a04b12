import Files
import Platform

/// Data for tests. What is not part of the project may be `nil`, and its tests are skipped.
package enum Fixtures {
    /// The directory in `GPT_GOLDEN`: references computed by other programs.
    package static let golden = environment("GPT_GOLDEN")

    /// The directory in `GPT_DATA`: texts and vocabularies published by others.
    package static let data = environment("GPT_DATA")

    /// A small GPT-2 with its logits, gradients and training steps, computed by PyTorch in double precision
    /// (Tests/References/make_gpt2_reference.py makes others).
    package static let reference = folder + "/gpt2-tiny"

    /// The same for each family of transformers (the others by Tests/References/make_transformer_reference.py).
    package static let references = ["gpt2", "llama", "qwen3"].map { folder + "/\($0)-tiny" }
    /// References of models that are no language models.
    package static let encoderReferences = ["bert-classifier", "bert-masked", "marian"].map { folder + "/\($0)-tiny" }

    /// Small tokenizers trained by Hugging Face's library, and its ids for texts.
    package static let tokenizers = folder + "/tokenizers"

    /// Chat templates, and what transformers and Jinja render with them (Tests/References/make_chat_templates.py).
    package static let chatTemplates = folder + "/ChatTemplates"

    /// Scores of made-up texts by sacrebleu and scikit-learn (Tests/References/make_scores.py).
    package static let scores = folder + "/scores"

    /// Hostile inputs, in a directory for each fuzz target.
    package static let hostile = folder + "/Hostile"

    /// Tests/Fixtures, beside this directory.
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(2).joined(separator: "/") + "/Fixtures"

    /// The bytes of the file at `path`.
    package static func bytes(_ path: String) throws -> [UInt8] { try TextFile.bytes(path) }

    /// Writes `bytes` to the file at `path` in place, as an editor would.
    /// - Returns: whether that succeeded.
    package static func write(_ bytes: [UInt8], to path: String) -> Bool {
        guard let file = fopen(path, "w") else { return false }
        let written = fwrite(bytes, 1, bytes.count, file)
        return fclose(file) == 0 && written == bytes.count
    }

    package static func makeDirectory(_ path: String) -> Bool { mkdir(path, 0o777) == 0 }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let path = String(cString: value)
        return access(path, R_OK) == 0 ? path : nil
    }
}

/// A temporary directory for a test, removed with its contents when it is released.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// Six letters X, which mkdtemp and mkstemp replace by a unique name.
    private static let uniqueSuffix = String(repeating: "X", count: 6)

    package init() {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/swift-gpt-test-\(Self.uniqueSuffix)".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("cannot make a directory in \(base)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package func file(_ name: String) -> String { path + "/" + name }

    /// Writes a text to a file, and returns its path.
    package func file(_ name: String = "text.txt", containing text: String) throws -> String {
        try write(Array(text.utf8), to: name)
        return file(name)
    }

    /// Writes a file without synchronizing it to the disk, for speed.
    package func write(_ bytes: [UInt8], to name: String) throws {
        try Self.write(bytes, to: open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666), at: file(name))
    }

    /// Calls `body` with the path of a new file that contains `bytes`. A new one each time, because a file that is
    /// mapped must not be changed.
    package func withFile<Result>(of bytes: [UInt8], _ body: (_ path: String) throws -> Result) throws -> Result {
        var template = Array(file(Self.uniqueSuffix).utf8CString)
        let descriptor = mkstemp(&template)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        try Self.write(bytes, to: descriptor, at: path)
        return try body(path)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at path: String) throws {
        defer { close(descriptor) }
        let writer = FileWriter(descriptor: descriptor, path: path)
        try writer.write(bytes)
        try writer.flush()
    }

    /// The names of the files in it, sorted.
    package var contents: [String] { Self.names(in: path) }

    deinit { Self.remove(path) }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        chmod(path, 0o700)
        for name in names(in: path) { remove(path + "/" + name) }
        rmdir(path)
    }
}

/// Random numbers that are the same in every run (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}

/// A copy of `bytes` with a few random changes: bytes altered, removed, inserted, doubled, or the end cut off.
package func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.remove(at: position)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
        case 4:
            let end = min(bytes.count, position + Int.random(in: 1...16, using: &generator))
            bytes.insert(contentsOf: bytes[position..<end], at: position)
        default: bytes.removeLast(bytes.count - position)
        }
    }
    return bytes
}
