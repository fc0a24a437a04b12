import Files
import StrictJSON
import TestSupport
import Testing

@Suite struct JSONReading {
    @Test(
        arguments: [
            ("null", JSON.null), (" true ", true), ("false", false), ("\t\r\n0\n", 0), ("-12", -12),
            ("\"\"", ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"), ("\"\u{7F}\"", "\u{7F}"),
            (#""\u0041\u00e9\u20AC\uD83D\ude00\u0000""#, "Aé€😀\0"), ("\"é€😀\"", "é€😀"),
            ("[]", []), ("[ ]", []), ("{}", [:]), ("[1,[2,[]],{}]", [1, [2, []], [:]]),
            (#"{"b":1 , "a":{"":null}}"#, ["b": 1, "a": ["": nil]]),
            ("\"\u{E9}\"", "\u{E9}"),
        ] as [(String, JSON)])
    func accepts(_ text: String, _ value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        #expect(try JSON(parsing: value.serialized()) == value)
        #expect(try JSON(parsing: value.serialized(pretty: true)) == value)
    }

    @Test(
        arguments: [
            ("", 1, 1), (" ", 1, 2), ("nul", 1, 1), ("nulll", 1, 5), ("True", 1, 1), ("'a'", 1, 1), ("\u{FEFF}1", 1, 1),
            ("01", 1, 1), ("-", 1, 2), ("-a", 1, 2), ("1.", 1, 3), (".5", 1, 1), ("1e", 1, 3), ("1e+", 1, 4),
            ("+1", 1, 1),
            ("0x10", 1, 2), ("1 2", 1, 3), ("NaN", 1, 1), ("Infinity", 1, 1), ("-Infinity", 1, 2),
            ("\"", 1, 2), ("\"a\nb\"", 1, 3), ("\"\\", 1, 2), (#""\x""#, 1, 2), (#""\u12g4""#, 1, 6), (#""\u12"#, 1, 6),
            (#""\ud800""#, 1, 2), (#""\udc00""#, 1, 2), (#""\ud800\u0041""#, 1, 2), (#""\ud83d\ud83d""#, 1, 2),
            (#""\ud800\n""#, 1, 2), (#""\u+123""#, 1, 4),
            ("[", 1, 2), ("[1", 1, 3), ("[1,", 1, 4), ("[1,]", 1, 4), ("[,1]", 1, 2), ("[1 2]", 1, 4), ("]", 1, 1),
            ("[1}", 1, 3), ("{", 1, 2), ("{\"a\"", 1, 5), ("{\"a\":", 1, 6), ("{\"a\":1,}", 1, 8), ("{a:1}", 1, 2),
            ("{\"a\" 1}", 1, 6), ("{1:1}", 1, 2), ("{\"a\":1 \"b\":2}", 1, 8), ("[1] // no", 1, 5), ("[1]\n]", 2, 1),
            ("{\n \"a\": 1,\n \"a\": 2}", 3, 2), ("\u{A0}1", 1, 1),
        ] as [(String, Int, Int)])
    func refuses(_ text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.description.contains("\n") == false)
    }

    @Test(arguments: [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80]])
    func refusesInvalidUTF8(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(throws: JSONError.self) { try JSON(parsing: [quote] + bytes + [quote]) }
        #expect(throws: JSONError.self) { try JSON(parsing: [quote] + Array("\\n".utf8) + bytes + [quote]) }
        #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
    }

    @Test func boundsDepth() throws {
        let deep = String(repeating: "[", count: 256) + String(repeating: "]", count: 256)
        #expect(try JSON(parsing: deep).arrayValue?.count == 1)
        #expect(throws: JSONError.self) { try JSON(parsing: "[" + deep + "]") }
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[{\"a\":", count: 1_000_000)) }
        // The limit is on depth, not on the number of siblings.
        #expect(try JSON(parsing: "[" + String(repeating: "[],", count: 1000) + "[]]").arrayValue?.count == 1001)
    }

    @Test func keysAreBytes() throws {
        let object = try #require(try JSON(parsing: "{\"\u{E9}\": 1, \"e\u{301}\": 2}").objectValue)
        #expect(object.count == 2)
        #expect(object["\u{E9}"]?.intValue == 1)
        #expect(object["e\u{301}"]?.intValue == 2)
        #expect(JSON.string("\u{E9}") != JSON.string("e\u{301}"))
        #expect(throws: JSONError.self) { try JSON(parsing: #"{"a": 1, "\u0061": 2}"#) }
    }

    @Test func largeObjects() throws {
        var text = "{"
        for id in 0..<100_000 { text += "\(id == 0 ? "" : ",")\"token \(id)\":\(id)" }
        text += "}"
        let object = try #require(try JSON(parsing: text).objectValue)
        #expect(object.count == 100_000)
        for id in [0, 1, 8, 9, 99_999] { #expect(object["token \(id)"]?.intValue == id) }
        #expect(object["token"] == nil)
        #expect(JSON.object(object).serialized() == text)
        #expect(throws: JSONError.self) { try JSON(parsing: text.dropLast() + ",\"token 77\":0}") }
    }

    @Test(.enabled(if: Fixtures.data != nil, "GPT_DATA is not set"))
    func publishedVocabulary() throws {
        let bytes = try TextFile.bytes(#require(Fixtures.data) + "/tokenizers/gpt2.encoder.json")
        let vocabulary = try #require(try JSON(parsing: bytes).objectValue)
        #expect(vocabulary.count == 50_257)
        #expect(vocabulary["<|endoftext|>"]?.intValue == 50_256)
        #expect(Set(vocabulary.map { $0.value.intValue }).count == 50_257)
    }

    @Test func survivesMutations() throws {
        var generator = SeededGenerator(seed: 1)
        let valid = Array(
            #"{"model": {"type": "BPE", "vocab": {"\u00e9": 0, "é😀": -1.5e-3, "\ud83d\ude00": 1}, "merges": []}, "n": [true, false, null]}"#
                .utf8)
        var read = 0
        for _ in 0..<20_000 {
            if let value = try? JSON(parsing: mutated(valid, using: &generator)) {
                read += 1
                #expect(try JSON(parsing: value.serialized()) == value)
            }
        }
        #expect(read > 0 && read < 20_000)
    }

    @Test func everyTruncationFails() throws {
        let valid = Array(#"{"a": [1.5e3, "é\u00e9"], "b": {"c": null}}"#.utf8)
        _ = try JSON(parsing: valid)
        for length in 0..<valid.count {
            #expect(throws: JSONError.self) { try JSON(parsing: Array(valid[..<length])) }
        }
    }
}

@Suite struct JSONNumbers {
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("12", 12), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
            ("9223372036854775808", nil), ("1.0", nil), ("1e3", nil), ("99999999999999999999999", nil),
        ] as [(String, Int?)])
    func integers(_ text: String, _ value: Int?) throws {
        #expect(try JSON(parsing: text).intValue == value)
        #expect(try JSON(parsing: text).serialized() == text)
    }

    @Test(
        arguments: [
            ("0.1", 0.1), ("1e-05", 1e-5), ("1E+2", 100), ("-2.5e-3", -0.0025), ("1e999", nil), ("1e-999", 0), ("3", 3),
        ] as [(String, Double?)])
    func doubles(_ text: String, _ value: Double?) throws {
        #expect(try JSON(parsing: text).doubleValue == value)
    }

    @Test func doublesRoundTrip() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: generator.next())
            let read = try JSON(parsing: JSON.double(value).serialized())
            if value.isFinite {
                #expect(read.doubleValue?.bitPattern == value.bitPattern)
            } else {
                #expect(read.isNull)
            }
        }
        #expect(JSON.double(0.1).serialized() == "0.1")
        #expect(JSON.float(0.1).serialized() == "0.1")
        #expect(JSON.double(1e-5).serialized() == "1e-05")
    }
}

@Suite struct JSONWriting {
    @Test func prettyForm() {
        let value: JSON = ["a": [1, 2], "b": [:], "c": [], "d": ["e": "f\u{1}\u{1F}\n"]]
        #expect(
            value.serialized(pretty: true) == """
                {
                  "a": [
                    1,
                    2
                  ],
                  "b": {},
                  "c": [],
                  "d": {
                    "e": "f\\u0001\\u001f\\n"
                  }
                }

                """)
        #expect(value.serialized() == #"{"a":[1,2],"b":{},"c":[],"d":{"e":"f\u0001\u001f\n"}}"#)
    }

    @Test(arguments: [3, 20]) func editing(_ count: Int) {
        var object = JSONObject((0..<count).map { ("key \($0)", JSON.int($0)) })
        object["key 1"] = "replaced"
        object["key 0"] = nil
        object["new"] = true
        #expect(object.first?.key == "key 1")
        #expect(object["key 0"] == nil)
        #expect(object["key 1"]?.stringValue == "replaced")
        #expect(object["key \(count - 1)"]?.intValue == count - 1)
        #expect(object.count == count)
        let appended = object.append("new", false)
        #expect(!appended)
        #expect(object.last?.value == true)
    }
}
