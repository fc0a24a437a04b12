import TestSupport
import Testing
import Tokenizers

/// Training on whole texts and line by line, against the merges that Hugging Face's `tokenizers` 0.23 learns from the same
/// texts: with `train_from_iterator`, given one string, and with `train`, given a file.
@Suite struct LineTraining {
    /// Texts, and the merges of both: the left and the right token, with a bar between them.
    private static let cases: [(text: String, whole: [String], lines: [String])] = [
        (
            String(repeating: "one two\n\n\nthree four\n\n\n\n", count: 6),
            whole: [
                "\n|\n", "e|e", "f|o", "h|r", "n|e", "o|ne", "t|w", "t|hr", "u|r", " |fo", " |tw", "thr|ee",
                " fo|ur", " tw|o", "\n\n|\n",
            ],
            lines: [
                "e|e", "f|o", "h|r", "n|e", "o|ne", "t|w", "t|hr", "u|r", " |fo", " |tw", "thr|ee", " fo|ur",
                " tw|o",
            ]
        ),
        (
            "   then \n \n\non    on\n \n \n\n      \n12\n's\n\n a then\n\n \t \r\n then\r\n \n\n\n a\t     the "
                + "\r\n\n\n 's  \n.  then12  \n \nthen the 's\n12\n the thethen    on a\n\n 12\n12 \t  \n then\nthen \n"
                + "\n\n \n\n\n\t \n \n   the\n",
            whole: [
                " | ", "h|e", "t|he", "\n|\n", " |the", "\n| ", "1|2", " the|n", "o|n", " |a", "  |  ", "the|n",
                "\n\n|\n", "\t| ", " |'",
            ],
            lines: [
                " | ", "h|e", "t|he", " |\n", " |the", "1|2", " the|n", "  |\n", "o|n", "\r|\n", " |a", "the|n",
                " |'", " |\t", " |on",
            ]
        ),
        (
            "the \n\n 's\t .    the a\n.  's\nthen on the\n  the \r\n thena \n\n\non \t\na 's\n's the\non\n    \n"
                + "\n  the 's a   . then\n\n\n\n \t   .  the  \n\n\n\n\n\n's 12 on\n\r\n   \n\n\n\n\n       \n \r\n12 ."
                + " \n\n\n  on    \r\non     \n\n\n ",
            whole: [
                " | ", "\n|\n", "h|e", "t|he", " |the", "o|n", " |\n\n", "  |  ", "\n| ", " |'", " |.", " |on",
                "'|s", "1|2", "\n|    ",
            ],
            lines: [
                " | ", "h|e", "t|he", " |the", "o|n", " |\n", "  |  ", "\r|\n", " |'", " |.", " |on", "'|s",
                "1|2", " |a", " |\t",
            ]
        ),
        (
            "on \r\n then \t on12 on\n's   12\n\n\n the\n   \n\n \t\n\n\n's\non \n \n\n \t 12  \n\nthen 12 \n \t "
                + "the 's \t 12\nthen  \n\n   the\n \n\n then\n\t \n\n\n \n\n\nthen\n \n \n\n\n 12 the12\t\r\n \r\n \n "
                + "\non the\n \n\n\n the\na\n\n\n\n \n",
            whole: [
                "\n|\n", "h|e", "t|he", "\n| ", " |the", "1|2", "o|n", " | ", " |12", "\n |\n\n", " |\t",
                "the|n", "'|s", "\r|\n ", " |on",
            ],
            lines: [
                " |\n", "h|e", "t|he", " |the", "1|2", "o|n", " |\t", " |12", "\r|\n", " | ", "the|n", "'|s",
                " | \n", " |on", " |\r\n",
            ]
        ),
        (
            "on  the     the   a \n \n \tthen\n\n\n\n12\n\r\n \n     the12\n\n \n\n    \t\n  the on     \t the th"
                + "e\nthe \t\n the aathe  \n  the on\non's\r\n12the then\n \n   thea  the .  \n 12on \r\n\n the\na the"
                + "\n 12 \n  ",
            whole: [
                " | ", "h|e", "t|he", " |the", "\n| ", "1|2", "o|n", "\n|\n", "  |  ", "\n|  ", " |a", " |\t",
                " |12", " |on", "'|s",
            ],
            lines: [
                " | ", "h|e", "t|he", " |the", " |\n", "1|2", "o|n", "  |  ", "\r|\n", "\t|\n", " |a", " |12",
                " |on", "  |\n", "'|s",
            ]
        ),
    ]

    private func merges(_ pretokens: PretokenCounter) throws -> [String] {
        let result = try #require(try BPETrainer(vocabularySize: 271).train(pretokens))
        return result.merges.map { merge in
            [merge.left, merge.right].map { String(decoding: result.tokens[Int($0)], as: UTF8.self) }
                .joined(separator: "|")
        }
    }

    @Test("The merges are those of Hugging Face's trainers", arguments: cases.indices)
    func merges(_ number: Int) throws {
        let (text, whole, lines) = Self.cases[number]
        var pretokens = PretokenCounter()
        pretokens.add(text, splitBy: .gpt2)
        #expect(try merges(pretokens) == whole)
        pretokens = PretokenCounter()
        pretokens.add(linesOf: text, splitBy: .gpt2)
        #expect(try merges(pretokens) == lines)
    }

    @Test(
        "A line has its line feed, and a last line without one counts",
        arguments: ["", "a", "a\n", "\n\nb c", " \n a\r\n"])
    func lines(_ text: String) {
        var pretokens = PretokenCounter()
        pretokens.add(linesOf: text, splitBy: .gpt2)
        #expect(pretokens.totalBytes == text.utf8.count)
        #expect((0..<pretokens.count).allSatisfy { !pretokens[$0].bytes.dropLast().contains(0x0A) })
    }

    @Test(
        "Lines that are read in blocks have the pre-tokens of the whole",
        arguments: SplitPattern.allCases.filter { $0 != .whole })
    func blocks(_ pattern: SplitPattern) throws {
        var generator = SeededGenerator(seed: 3)
        let parts = ["the", " cat", " ", "  ", "\n", "\n\n", "\r\n", "\t", ",", "123", "é", "漢字", " \n", "a", "'s"]
        for _ in 0..<200 {
            let text = (0..<40).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
            var whole = PretokenCounter(), inBlocks = PretokenCounter()
            whole.add(linesOf: text, splitBy: pattern)
            let bytes = Array(text.utf8)
            let end = Int.random(in: 0...bytes.count, using: &generator)
            let cut = bytes[..<end].withUnsafeBufferPointer { pattern.splitPoint(in: $0) } ?? 0
            for block in [bytes[..<cut], bytes[cut...]] {
                inBlocks.add(linesOf: try #require(String(validating: block, as: UTF8.self)), splitBy: pattern)
            }
            #expect(inBlocks.totalPretokens == whole.totalPretokens && inBlocks.count == whole.count)
            #expect((0..<whole.count).allSatisfy { whole[$0] == inBlocks[$0] })
        }
    }
}
