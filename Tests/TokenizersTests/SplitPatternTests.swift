import FuzzTargets
import TestSupport
import Testing
import Tokenizers

extension SplitPattern {
    fileprivate func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        bytes.withUnsafeBufferPointer { bytes in forEachPretoken(of: bytes) { pieces.append(Array(bytes[$0])) } }
        return pieces
    }
}

@Suite struct SplitPatterns {
    @Test(arguments: [
        (
            SplitPattern.gpt2, "We'll  see'S 12345\n\n x!!  ",
            ["We", "'ll", " ", " see", "'", "S", " 12345", "\n\n", " x", "!!", "  "]
        ),
        (
            .cl100k, "We'LL see'\u{17F} 12345\n\n x!!\n  \n ",
            ["We", "'LL", " see", "'\u{17F}", " ", "123", "45", "\n\n", " x", "!!\n", "  \n "]
        ),
        (.llama3, "x  \n ", ["x", "  \n", " "]), (.qwen2, " 12a", [" ", "1", "2", "a"]),
        (.o200k, "HTTPServer's McDON'T a/b//\n", ["HTTPServer's", " Mc", "DON'T", " a", "/b", "//\n"]),
        (.o200k, "\u{301}ABC \u{301}", ["\u{301}", "ABC", " \u{301}"]),
        (.whole, "a b", ["a b"]),
    ])
    func examples(_ pattern: SplitPattern, _ text: String, _ pieces: [String]) {
        #expect(pattern.pieces(Array(text.utf8)) == pieces.map { Array($0.utf8) })
        #expect(pattern.referencePretokens(Array(text.utf8)) == pieces.map { Array($0.utf8) })
    }

    @Test(arguments: SplitPattern.allCases)
    func cutsAsTheExpressionDoes(_ pattern: SplitPattern) {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let text = RandomText.text(using: &generator)
            #expect(
                pattern.pieces(Array(text.utf8)) == pattern.referencePretokens(Array(text.utf8)),
                "\(text.debugDescription)")
        }
    }

    @Test(arguments: SplitPattern.allCases)
    func takesAnyBytes(_ pattern: SplitPattern) {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : [0x20, 0x61, 0xE2, 0x80, 0xA8, 0xF0][Int.random(in: 0..<6, using: &generator)]
            }
            let pieces = pattern.pieces(bytes)
            #expect(Array(pieces.joined()) == bytes)
            #expect(!pieces.contains([]))
        }
    }
}
