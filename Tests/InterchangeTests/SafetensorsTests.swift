import Files
import Interchange
import StrictJSON
import TestSupport
import Testing
import Tokenizers

/// A file with the header given, and as many bytes of data, each its own place.
private func contents(header: String, data count: Int = 0) -> [UInt8] {
    let header = Array(header.utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    return length + header + (0..<count).map { UInt8(truncatingIfNeeded: $0) }
}

private func tensor(_ dtype: String, _ shape: String, _ start: Int, _ end: Int) -> String {
    #"{"dtype": "\#(dtype)", "shape": \#(shape), "data_offsets": [\#(start), \#(end)]}"#
}

private func littleEndian<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
}

@Suite struct SafetensorsReading {
    private let directory = TemporaryDirectory()

    private func read(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try directory.write(bytes, to: "a.safetensors")
        return try SafetensorsFile(path: directory.file("a.safetensors"))
    }

    @Test func readsHeaders() throws {
        let header =
            #"{"b": \#(tensor("F32", "[2, 1]", 3, 11)), "__metadata__": {"k": "v", "é": "\n"}, "a": \#(tensor("U8", "[3]", 0, 3)), "#
            + #""empty": \#(tensor("F16", "[0, 5]", 3, 3)), "scalar": \#(tensor("I8", "[]", 11, 12))}   "#
        let file = try read(contents(header: header, data: 12))
        #expect(file.names == ["b", "a", "empty", "scalar"])
        #expect(file.metadata == ["k": "v", "é": "\n"])
        #expect(try file.entry("b").dtype == .float32)
        #expect(try file.shape("b") == [2, 1])
        #expect(try file.entry("b").count == 2)
        #expect(try file.integers("a") == [0, 1, 2])
        #expect(try file.integers("scalar") == [11])
        #expect(try file.floats("empty") == [])
        // Not aligned, and read all the same.
        #expect(try file.floats("b") == [0x0605_0403, 0x0A09_0807].map { Float(bitPattern: $0) })
        #expect(try file.withBytes("b") { Array($0) } == Array(3..<11))
        #expect(file.contains("a") && !file.contains("c"))
        #expect(!file.hasChecksum)
        try file.verifyChecksum()
        #expect(throws: SafetensorsError.self) { try file.verifyChecksum(required: true) }
        for name in ["c", "", "__metadata__"] {
            let error = #expect(throws: SafetensorsError.self) { try file.floats(name) }
            #expect(error?.description.hasSuffix("it has no tensor \"\(name)\"") == true)
        }
        #expect(try read(contents(header: "{}")).names == [])
    }

    @Test(
        arguments: [
            ("[]", 0, "an array"), ("", 0, "not valid"), ("{", 0, "not valid: line 1, column 2"),
            ("\0", 0, "not valid"),
            (#"{"a": 1}"#, 0, "a number"), (#"{"__metadata__": []}"#, 0, "metadata is an array"),
            (#"{"__metadata__": {"k": 1}}"#, 0, "\"k\" is a number"),
            ("{\"__metadata__\": {\"\u{E9}\": \"\", \"e\u{301}\": \"\"}}", 0, "occurs twice"),
            (#"{"a": \#(tensor("U8", "[1]", 0, 1)), "a": \#(tensor("U8", "[1]", 1, 2))}"#, 2, "occurs twice"),
            (#"{"a": {"shape": [1], "data_offsets": [0, 1]}}"#, 1, "no dtype"),
            (#"{"a": \#(tensor("Q4", "[1]", 0, 1))}"#, 1, "\"Q4\""),
            (#"{"a": {"dtype": "U8", "data_offsets": [0, 1]}}"#, 1, "no valid shape"),
            (#"{"a": \#(tensor("U8", "[-1]", 0, 1))}"#, 1, "no valid shape"),
            (#"{"a": \#(tensor("U8", "[1.0]", 0, 1))}"#, 1, "no valid shape"),
            (#"{"a": \#(tensor("U8", "1", 0, 1))}"#, 1, "no valid shape"),
            (#"{"a": \#(tensor("U8", "[99999999999999999999]", 0, 1))}"#, 1, "no valid shape"),
            (#"{"a": \#(tensor("U8", "[4611686018427387904, 4]", 0, 0))}"#, 0, "impossible shape"),
            (#"{"a": \#(tensor("F32", "[4611686018427387904]", 0, 0))}"#, 0, "impossible shape"),
            (#"{"a": {"dtype": "U8", "shape": [1]}}"#, 1, "data_offsets"),
            (#"{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0]}}"#, 1, "data_offsets"),
            (#"{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1, 2]}}"#, 1, "data_offsets"),
            (#"{"a": \#(tensor("U8", "[1]", 1, 0))}"#, 1, "data_offsets"),
            (#"{"a": \#(tensor("U8", "[1]", -1, 0))}"#, 1, "data_offsets"),
            (#"{"a": \#(tensor("U8", "[1]", .max - 1, .max))}"#, 1, "data_offsets"),
            (#"{"a": \#(tensor("F32", "[2]", 0, 7))}"#, 7, "needs 8 bytes but has 7"),
            (#"{"a": \#(tensor("U8", "[2]", 0, 2)), "b": \#(tensor("U8", "[2]", 1, 3))}"#, 3, "\"b\" overlaps"),
            (#"{"a": \#(tensor("U8", "[2]", 0, 2)), "b": \#(tensor("U8", "[2]", 0, 2))}"#, 2, "overlaps"),
            (#"{"a": \#(tensor("U8", "[2]", 0, 2)), "b": \#(tensor("U8", "[2]", 3, 5))}"#, 5, "\"b\" leaves a gap"),
            (#"{"a": \#(tensor("U8", "[2]", 1, 3))}"#, 3, "leaves a gap"),
            (#"{"a": \#(tensor("U8", "[2]", 0, 2))}"#, 1, "truncated"),
            (#"{"a": \#(tensor("U8", "[2]", 0, 2))}"#, 3, "1 bytes follow"), ("{}", 1, "1 bytes follow"),
            (#"{"a\nb": 1}"#, 0, #""a\nb""#),
        ] as [(String, Int, String)])
    func refusesHeaders(_ header: String, data: Int, _ words: String) {
        let error = #expect(throws: SafetensorsError.self) {
            try read(contents(header: header, data: data))
        }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix(directory.path) == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test(arguments: [0, 1, 2, 100_000_000, 100_000_001, 1 << 62, .max] as [UInt64])
    func refusesLengths(_ length: UInt64) {
        let bytes = littleEndian([length])
        #expect(throws: SafetensorsError.self) { try read(bytes) }
        #expect(throws: SafetensorsError.self) { try read(bytes + [UInt8(ascii: "{")]) }
    }

    @Test func refusesWhatIsNoFile() {
        for path in [directory.path, directory.file("none")] {
            #expect(throws: FileError.self) { try SafetensorsFile(path: path) }
        }
    }

    /// A small file of every kind of entry, for what follows.
    private var small: [UInt8] {
        contents(
            header:
                #"{"__metadata__":{"format":"pt"},"w":\#(tensor("F32", "[2,3]", 0, 24)),"b":\#(tensor("BF16", "[2]", 24, 28))}"#,
            data: 28)
    }

    @Test func everyTruncationFails() throws {
        _ = try read(small)
        for length in 0..<small.count {
            #expect(throws: SafetensorsError.self) { try read(Array(small[..<length])) }
        }
    }

    @Test func survivesMutations() throws {
        var generator = SeededGenerator(seed: 6)
        var readable = 0
        for _ in 0..<4_000 {
            guard let file = try? read(mutated(small, using: &generator)) else { continue }
            readable += 1
            for name in file.names {
                _ = try? file.floats(name)
                _ = try? file.integers(name)
            }
            try? file.verifyChecksum()
        }
        #expect(readable > 0 && readable < 4_000)
    }
}

@Suite struct SafetensorsNumbers {
    private let directory = TemporaryDirectory()

    private func read(_ dtype: SafetensorsType, _ bytes: [UInt8]) throws -> SafetensorsFile {
        let path = directory.file("a.safetensors")
        try bytes.withUnsafeBytes { bytes in
            let shape = [bytes.count / dtype.size]
            try SafetensorsWriter.write(
                to: path, tensors: [SafetensorsTensor(name: "a", dtype: dtype, shape: shape, bytes: bytes)])
        }
        return try SafetensorsFile(path: path)
    }

    #if !(os(macOS) && arch(x86_64))
        @Test func everyHalf() throws {
            let floats = try read(.float16, littleEndian((0...UInt16.max).map { $0 })).floats("a")
            for bits in 0...UInt16.max {
                let expected = Float(Float16(bitPattern: bits))
                let float = floats[Int(bits)]
                #expect(float.bitPattern == expected.bitPattern || float.isNaN && expected.isNaN)
            }
        }
    #endif

    @Test func bfloats() throws {
        let floats = try read(.bfloat16, littleEndian((0...UInt16.max).map { $0 })).floats("a")
        for bits in 0...UInt16.max { #expect(floats[Int(bits)].bitPattern == UInt32(bits) << 16) }
    }

    @Test func doubles() throws {
        let values = [0, -0.0, 1.5, 1 / 3, 1e300, -1e300, 1e-300, .infinity, .nan]
        let floats = try read(.float64, littleEndian(values.map { $0.bitPattern })).floats("a")
        #expect(floats.map { $0.bitPattern } == values.map { Float($0).bitPattern })
    }

    @Test func floats() throws {
        let values: [Float] = [0, -0.0, 1.5, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, .nan]
        let file = try read(.float32, littleEndian(values.map { $0.bitPattern }))
        #expect(try file.floats("a").map { $0.bitPattern } == values.map { $0.bitPattern })
        #expect(throws: SafetensorsError.self) { try file.integers("a") }
        var short = [Float](repeating: 0, count: values.count - 1)
        #expect(throws: SafetensorsError.self) {
            try short.withUnsafeMutableBufferPointer { try file.copyFloats("a", into: $0) }
        }
    }

    @Test func integers() throws {
        #expect(try read(.int64, littleEndian([Int64.min, -1, .max])).integers("a") == [.min, -1, .max])
        #expect(
            try read(.int32, littleEndian([Int32.min, -1, .max])).integers("a") == [-2_147_483_648, -1, 2_147_483_647])
        #expect(try read(.int16, littleEndian([Int16.min, 7])).integers("a") == [-32_768, 7])
        #expect(try read(.int8, [0x80, 0x7F]).integers("a") == [-128, 127])
        #expect(try read(.uint32, littleEndian([UInt32.max])).integers("a") == [4_294_967_295])
        #expect(try read(.uint16, littleEndian([UInt16.max])).integers("a") == [65_535])
        #expect(try read(.uint8, [255]).integers("a") == [255])
        #expect(try read(.bool, [0, 1, 2]).integers("a") == [0, 1, 1])
        #expect(try read(.uint64, littleEndian([UInt64(Int64.max)])).integers("a") == [.max])
        #expect(throws: SafetensorsError.self) { try read(.uint64, littleEndian([UInt64.max])).integers("a") }
        #expect(throws: SafetensorsError.self) { try read(.uint8, [1]).floats("a") }
        #expect(throws: SafetensorsError.self) { try read(.float8e4m3, [1]).floats("a") }
        #expect(throws: SafetensorsError.self) { try read(.float8e5m2, [1]).integers("a") }
    }
}

@Suite struct SafetensorsWriting {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("a.safetensors") }

    @Test(arguments: [false, true]) func roundTrips(checksum: Bool) throws {
        let numbers = (0..<1_000_000).map { Float($0) }
        try SafetensorsWriter.write(
            to: path, metadata: ["step": "3", "a": "é\"\n", "checksum": "of another file"],
            tensors: [
                SafetensorsTensor(name: "step", shape: [], integers: [-3]),
                SafetensorsTensor(name: "odd", dtype: .uint8, shape: [3]) { piece in
                    for byte: UInt8 in [1, 2, 3] { try withUnsafeBytes(of: byte, piece) }
                },
                SafetensorsTensor(name: "weights", shape: [1000, 1000], floats: numbers),
                SafetensorsTensor(name: "none", shape: [0], floats: []),
            ], checksum: checksum)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["step", "odd", "weights", "none"])
        #expect(file.metadata["step"] == "3" && file.metadata["a"] == "é\"\n")
        #expect(file.metadata.count == (checksum ? 3 : 2))
        #expect(file.hasChecksum == checksum)
        try file.verifyChecksum(required: checksum)
        #expect(try file.integers("step") == [-3])
        #expect(try file.integers("odd") == [1, 2, 3])
        #expect(try file.shape("weights") == [1000, 1000])
        #expect(try file.floats("weights") == numbers)
        #expect(directory.contents == ["a.safetensors"])
        // The numbers begin aligned.
        let header = try TextFile.bytes(path)[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(header % 8 == 0)
    }

    /// Whichever bit changes, the file is refused: by the reader or by its checksum.
    @Test func checksumCoversEverything() throws {
        try SafetensorsWriter.write(
            to: path, metadata: ["step": "3"], tensors: [SafetensorsTensor(name: "a", shape: [2], floats: [1, 2])],
            checksum: true)
        let bytes = try TextFile.bytes(path)
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1
            try directory.write(altered, to: "altered")
            #expect(throws: SafetensorsError.self) {
                try SafetensorsFile(path: directory.file("altered")).verifyChecksum(required: true)
            }
        }
    }

    @Test func refuses() throws {
        try AtomicFile.write("old", to: path)
        let one = SafetensorsTensor(name: "a", shape: [1], floats: [1])
        for tensors in [
            [one, one],
            [SafetensorsTensor(name: "__metadata__", shape: [1], floats: [1])],
            [SafetensorsTensor(name: "a", shape: [2], floats: [1])],
            [SafetensorsTensor(name: "a", shape: [1], floats: [1, 2])],
            [SafetensorsTensor(name: "a", shape: [-1], floats: [])],
            [SafetensorsTensor(name: "a", shape: [.max, 2], floats: [])],
        ] {
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.write(to: path, tensors: tensors)
            }
            #expect(error?.description.hasPrefix(path) == true)
        }
        #expect(throws: FileError.self) {
            try SafetensorsWriter.write(to: directory.file("none/a"), tensors: [one])
        }
        #expect(try TextFile.read(path) == "old")
        #expect(directory.contents == ["a.safetensors"])
    }
}

/// Files that the format's own library wrote.
@Suite(.enabled(if: Fixtures.golden != nil, "GPT_GOLDEN names no folder"))
struct SafetensorsReference {
    @Test func model() throws {
        let golden = try #require(Fixtures.golden) + "/gpt2-tiny/"
        let configuration = try JSON(parsing: TextFile.bytes(golden + "config.json"))
        let width = try #require(configuration["n_embd"]?.intValue)
        let vocabulary = try #require(configuration["vocab_size"]?.intValue)
        let file = try SafetensorsFile(path: golden + "model.safetensors")
        #expect(file.metadata["format"] == "pt")
        #expect(try file.shape("transformer.wte.weight") == [vocabulary, width])
        #expect(try file.shape("transformer.h.0.attn.c_attn.weight") == [width, 3 * width])
        for name in file.names {
            #expect(try file.entry(name).dtype == .float32)
            let floats = try file.floats(name)
            #expect(floats.count == (try file.shape(name)).reduce(1, *))
            #expect(floats.allSatisfy { $0.isFinite && abs($0) < 10 })
        }
        // A layer norm's weights are near one.
        #expect(try file.floats("transformer.ln_f.weight").allSatisfy { abs($0 - 1) < 0.5 })
    }

    @Test(arguments: ["expected", "train"]) func others(_ name: String) throws {
        let file = try SafetensorsFile(path: #require(Fixtures.golden) + "/gpt2-tiny/\(name).safetensors")
        #expect(!file.names.isEmpty)
        for name in file.names {
            if try file.entry(name).dtype == .int64 {
                #expect(try file.integers(name).allSatisfy { (0..<1000).contains($0) })
            } else {
                #expect(try file.floats(name).allSatisfy { $0.isFinite })
            }
        }
    }
}

@Suite struct TokenizerDirectories {
    @Test func roundTrips() throws {
        let directory = TemporaryDirectory()
        let tokenizer = CharacterTokenizer(alphabetOf: ["abé\r\n"])
        try TokenizerFile.write(tokenizer, contextLength: 8, directory: directory.path)
        #expect(directory.contents == ["tokenizer.json", "tokenizer_config.json"])
        let path = directory.file("tokenizer.json")
        func read() throws -> any Tokenizer { try TokenizerFile.tokenizer(from: TextFile.bytes(path), file: path) }
        #expect(try read().encode("é\r\na") == tokenizer.encode("é\r\na"))
        try directory.write(Array("{".utf8), to: "tokenizer.json")
        let error = #expect(throws: TokenizerError.self) { try read() }
        #expect(error?.description.hasPrefix(path + ": ") == true)
    }
}
