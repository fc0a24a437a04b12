import StrictJSON
import Testing

@Suite struct JSONComparison {
    @Test(
        "What another program changes by saving a file again is no difference",
        arguments: [
            (#"{"a": 1, "b": [1, 2]}"#, "{\n  \"b\": [1,2],\n  \"a\": 1\n}"),
            ("[1e-6, 0.000001, 1E-6, 10000.0]", "[1e-06,1e-06,1e-06,1e4]"),
            (#"{"é": {"z": null, "y": true}}"#, #"{"\u00e9": {"y": true, "z": null}}"#), ("[-0, 7]", "[0, 7]"),
        ])
    func same(old: String, new: String) throws {
        let old = try JSON(parsing: old), new = try JSON(parsing: new)
        #expect(new.difference(from: old) == nil && old.difference(from: new) == nil)
        #expect(old.canonical.serialized() == new.canonical.serialized())
    }

    @Test(
        "The first difference is named with both values",
        arguments: [
            (#"{"eps": 1e-06}"#, #"{"eps": 0.01}"#, "eps was 1e-06 and is 0.01"),
            (#"{"eps": 1e-06}"#, #"{"eps": null}"#, "eps was 1e-06 and is null"),
            (#"{"eps": 1e-06}"#, #"{"eps": "1e-06"}"#, #"eps was 1e-06 and is "1e-06""#),
            (#"{"eps": 1e-06}"#, #"{"epsx": 1e-06}"#, "eps was 1e-06 and is missing"),
            ("{}", #"{"b": 2}"#, "b was added"),
            (#"{"a": {"b": 1, "c": [1]}}"#, #"{"a": {"b": 1, "c": [1, 2]}}"#, "a.c was [1] and is [1,2]"),
            ("[1]", "[1.0]", "it was [1] and is [1.0]"), ("1", "true", "it was 1 and is true"),
            (#"{"a\nb": 1}"#, #"{"a\nb": 2}"#, #""a\nb" was 1 and is 2"#),
        ])
    func different(old: String, new: String, difference: String) throws {
        #expect(try JSON(parsing: new).difference(from: JSON(parsing: old)) == difference)
    }

    @Test func longValuesAreShownByTheirKind() {
        let long = JSON.string(String(repeating: "a", count: 1000))
        #expect(JSON.null.difference(from: long) == "it was a string and is null")
    }
}
