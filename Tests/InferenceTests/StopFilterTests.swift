import Inference
import Models
import Testing

@Suite struct StopFilterTests {
    private func shown(_ pieces: [String], stops: [String]) throws -> [String] {
        var filter = try StopFilter(stops)
        var shown = pieces.map { filter.append($0) }
        shown.append(filter.finish())
        return shown
    }

    @Test func letsThroughAtOnceWhatCannotStop() throws {
        #expect(try shown(["ab", "c", "d"], stops: []) == ["ab", "c", "d", ""])
        #expect(try shown(["ab", "c", "d"], stops: ["xy"]) == ["ab", "c", "d", ""])
    }

    @Test func holdsBackWhatMayBecomeAStop() throws {
        #expect(try shown(["a", "\n", "\n", "b"], stops: ["\n\n"]) == ["a", "", "", "", ""])
        #expect(try shown(["a", "\n", "b"], stops: ["\n\n"]) == ["a", "", "\nb", ""])
        #expect(try shown(["a", "\n"], stops: ["\n\n"]) == ["a", "", "\n"])
        // "aab" after "aa": the first of them is free as soon as the third comes.
        #expect(try shown(["a", "a", "a", "b", "c"], stops: ["aab"]) == ["", "", "a", "", "", ""])
    }

    @Test(arguments: [
        ("onetwothree", ["two"], "one"), ("onetwo", ["wo", "two"], "one"), ("xabcd", ["bc", "xabcd"], "xa"),
        ("aaaa", ["a"], ""), ("naïve café", ["é"], "naïve caf"), ("12345", ["6"], "12345"),
        ("ababac", ["abac"], "ab"), ("one\r\ntwo", ["\n"], "one\r"), ("a\u{301}b", ["\u{301}"], "a"),
    ])
    func endsBeforeTheFirst(_ text: String, _ stops: [String], _ expected: String) throws {
        // However it is cut into pieces, by scalars.
        let scalars = Array(text.unicodeScalars)
        for size in 1...scalars.count {
            let pieces = stride(from: 0, to: scalars.count, by: size).map {
                var piece = String.UnicodeScalarView()
                piece.append(contentsOf: scalars[$0..<min($0 + size, scalars.count)])
                return String(piece)
            }
            let result = try shown(pieces, stops: stops).joined()
            #expect(Array(result.unicodeScalars) == Array(expected.unicodeScalars))
        }
    }

    @Test func refusesAnEmptyStop() {
        #expect(throws: GenerationError.emptyStopString) { try StopFilter(["a", ""]) }
    }
}
