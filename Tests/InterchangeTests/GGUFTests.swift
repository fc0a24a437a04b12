import Files
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// A GGUF file put together by hand, byte by byte: not by the writer, whose mistakes the reader may share.
private struct HandMade {
    var bytes = Array("GGUF".utf8)

    init(version: UInt32 = 3, tensors: UInt64 = 1, keys: UInt64 = 1) {
        number(version)
        number(tensors)
        number(keys)
    }

    mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) {
        number(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    mutating func key(_ name: String, type: UInt32 = 4, _ value: [UInt8] = [7, 0, 0, 0]) {
        string(name)
        number(type)
        bytes += value
    }

    mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, at offset: UInt64 = 0) {
        string(name)
        number(UInt32(dimensions.count))
        for dimension in dimensions { number(dimension) }
        number(type)
        number(offset)
    }

    mutating func numbers(_ count: Int, alignment: Int = 32) {
        while bytes.count % alignment != 0 { bytes.append(0) }
        bytes += [UInt8](repeating: 0x3F, count: count)
    }

    /// One key and one tensor (2, 3).
    static var valid: HandMade {
        var file = HandMade()
        file.key("a.b")
        file.tensor("t", [3, 2])
        file.numbers(24)
        return file
    }
}

@Suite struct GGUFTests {
    private let directory = TemporaryDirectory()

    private func read(_ file: HandMade) throws -> GGUFFile {
        try directory.write(file.bytes, to: "file")
        return try GGUFFile(path: directory.file("file"))
    }

    @Test("Keys and tensors are found where the format has them")
    func valid() throws {
        let file = try read(.valid)
        #expect(file.keys == ["a.b"] && file.names == ["t"])
        #expect(try file.integer("a.b") == 7)
        let entry = try file.entry("t")
        #expect(entry.shape == [2, 3] && entry.encoding == .float32)
        #expect(file.withBytes(of: entry) { Array($0) } == [UInt8](repeating: 0x3F, count: 24))
        #expect(throws: ModelError.self) { try file.entry("u") }
        #expect(throws: ModelError.self) { try file.string("a.b") }
    }

    @Test("Values of every type, and arrays of them")
    func values() throws {
        var file = HandMade(tensors: 0, keys: 9)
        file.key("u8", type: 0, [200])
        file.key("i8", type: 1, [200])
        file.key("i16", type: 3, [0xFF, 0xFF])
        file.key("f32", type: 6, [0xAC, 0xC5, 0x27, 0x37])
        file.key("bool", type: 7, [1])
        file.key("u64", type: 10, [UInt8](repeating: 0xFF, count: 8))
        file.key("f64", type: 12, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        file.key("list", type: 9, [5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF])
        file.key("words", type: 9, [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0xA9])
        let read = try read(file)
        #expect(try read.integer("u8") == 200)
        #expect(try read.integer("i8") == -56)
        #expect(try read.integer("i16") == -1)
        #expect(try read.number("f32") == 1e-5, "the shortest number that is this float")
        #expect(try read.bool("bool") == true)
        #expect(throws: ModelError.self) { try read.integer("u64") }
        #expect(try read.number("f64") == 1.5)
        #expect(try read.integers("list") == [1, -2])
        #expect(try read.strings("words") == ["\u{E9}"])
        #expect(throws: ModelError.self) { try read.strings("list") }
        #expect(throws: ModelError.self) { try read.integers("words") }
    }

    private static let hostileFiles: [(String, @Sendable () -> HandMade)] = [
        (
            "not a GGUF file",
            {
                var f = HandMade.valid; f.bytes[0] = 0x67; return f
            }
        ),
        ("it has version 1", { HandMade(version: 1) }),
        ("it has version 4", { HandMade(version: 4) }),
        ("big-endian", { HandMade(version: 0x0300_0000) }),
        ("the number of tensors is 18446744073709551615", { HandMade(tensors: .max) }),
        ("the number of keys is 9223372036854775807", { HandMade(tensors: 0, keys: UInt64(Int64.max)) }),
        (
            "the number of keys is 2",
            {
                var f = HandMade(keys: 2); f.key("a"); f.bytes += [0, 0, 0]; return f
            }
        ),
        (
            "a key is empty",
            {
                var f = HandMade(); f.key(""); f.numbers(64); return f
            }
        ),
        (
            "occurs twice",
            {
                var f = HandMade(keys: 2); f.key("a"); f.key("a"); f.numbers(64); return f
            }
        ),
        (
            "the length of a key",
            {
                var f = HandMade()
                f.number(UInt64.max)
                f.bytes += [UInt8](repeating: 0, count: 64)
                return f
            }
        ),
        (
            "not valid UTF-8",
            {
                var f = HandMade()
                f.number(UInt64(1))
                f.bytes += [0xFF]
                f.bytes += [UInt8](repeating: 0, count: 64)
                return f
            }
        ),
        (
            "a value of the unknown type 13",
            {
                var f = HandMade(); f.key("a", type: 13); f.numbers(64); return f
            }
        ),
        (
            "neither true nor false",
            {
                var f = HandMade(); f.key("a", type: 7, [2]); f.numbers(64); return f
            }
        ),
        (
            "contains arrays",
            {
                var f = HandMade()
                f.key("a", type: 9, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
                f.numbers(64)
                return f
            }
        ),
        (
            "the length of the array a is 4611686018427387904",
            {
                var f = HandMade()
                f.key("a", type: 9, [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40])
                f.numbers(64)
                return f
            }
        ),
        (
            "the length of a string of a",
            {
                var f = HandMade()
                f.key("a", type: 9, [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
                f.numbers(64)
                return f
            }
        ),
        (
            "1 to 63 are allowed",
            {
                var f = HandMade(keys: 0)
                f.tensor(String(repeating: "n", count: 64), [1])
                f.numbers(64)
                return f
            }
        ),
        (
            "5 dimensions",
            {
                var f = HandMade(keys: 0); f.tensor("t", [1, 1, 1, 1, 1]); f.numbers(64); return f
            }
        ),
        (
            "0 dimensions",
            {
                var f = HandMade(keys: 0); f.tensor("t", []); f.numbers(64); return f
            }
        ),
        (
            "an impossible shape",
            {
                var f = HandMade(keys: 0); f.tensor("t", [1 << 62, 4]); f.numbers(64); return f
            }
        ),
        (
            "an impossible shape",
            {
                var f = HandMade(keys: 0); f.tensor("t", [.max]); f.numbers(64); return f
            }
        ),
        (
            "an impossible shape",
            {
                var f = HandMade(keys: 0); f.tensor("t", [3, 0]); f.numbers(64); return f
            }
        ),
        (
            "which F32 cannot store",
            {
                var f = HandMade(keys: 0); f.tensor("t", [1 << 62]); f.numbers(64); return f
            }
        ),
        (
            "is of Q4_K",
            {
                var f = HandMade(keys: 0); f.tensor("t", [256], type: 12); f.numbers(144); return f
            }
        ),
        (
            "is of type 77",
            {
                var f = HandMade(keys: 0); f.tensor("t", [256], type: 77); f.numbers(144); return f
            }
        ),
        (
            "which Q8_0 cannot store",
            {
                var f = HandMade(keys: 0); f.tensor("t", [31], type: 8); f.numbers(64); return f
            }
        ),
        (
            "has the offset 32, and the previous tensor ends at 0",
            {
                var f = HandMade(keys: 0); f.tensor("t", [3], at: 32); f.numbers(64); return f
            }
        ),
        (
            "truncated",
            {
                var f = HandMade.valid; f.bytes.removeLast(); return f
            }
        ),
        (
            "bytes follow the last tensor",
            {
                var f = HandMade.valid; f.bytes += [UInt8](repeating: 0, count: 64); return f
            }
        ),
        (
            "occurs twice",
            {
                var f = HandMade(tensors: 2, keys: 0)
                f.tensor("t", [8])
                f.tensor("t", [8], at: 32)
                f.numbers(64)
                return f
            }
        ),
        (
            "not a power of two",
            {
                var f = HandMade()
                f.key("general.alignment", [24, 0, 0, 0])
                f.tensor("t", [3])
                f.numbers(64)
                return f
            }
        ),
        (
            "not a power of two",
            {
                var f = HandMade()
                f.key("general.alignment", [0, 0, 0, 0])
                f.tensor("t", [3])
                f.numbers(64)
                return f
            }
        ),
    ]

    @Test("What is impossible is refused by what it is", arguments: 0..<hostileFiles.count)
    func hostile(number: Int) throws {
        let (reason, make) = Self.hostileFiles[number]
        let error = #expect(throws: ModelError.self) { _ = try read(make()) }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

    @Test("A file cut off anywhere is refused")
    func cut() throws {
        let whole = HandMade.valid
        for length in whole.bytes.indices {
            var file = whole
            file.bytes.removeLast(whole.bytes.count - length)
            #expect(throws: (any Error).self) { try read(file) }
        }
    }

    @Test("Another alignment is obeyed")
    func alignment() throws {
        var file = HandMade(tensors: 2)
        file.key("general.alignment", [128, 0, 0, 0])
        file.tensor("a", [1])
        file.tensor("b", [1], at: 128)
        file.numbers(1, alignment: 128)
        file.numbers(4, alignment: 128)
        file.bytes.removeLast(0)
        let read = try read(file)
        #expect(try read.entry("b").range.lowerBound == read.entry("a").range.lowerBound + 128)
    }
}
