import Corpus
import Testing

/// The built-in play has the layout and the properties of tiny Shakespeare.
@Suite("The built-in corpus")
struct BuiltInCorpusTests {
    /// The speeches, which are separated by blank lines, as lines.
    static let speeches: [[Substring]] = {
        var speeches: [[Substring]] = [[]]
        for line in BuiltInCorpus.text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                speeches.append([])
            } else {
                speeches[speeches.count - 1].append(line)
            }
        }
        return speeches
    }()

    @Test("It is long enough for training, and ends in exactly one newline")
    func length() {
        #expect(BuiltInCorpus.text.count >= 30_000)
        #expect(BuiltInCorpus.text.hasSuffix("\n"))
        #expect(!BuiltInCorpus.text.hasSuffix("\n\n"))
    }

    @Test("It is ASCII, with every letter in both cases and no tab or carriage return")
    func alphabet() {
        let bytes = Set(BuiltInCorpus.text.utf8)
        #expect(bytes.allSatisfy { $0 == UInt8(ascii: "\n") || (0x20...0x7E).contains($0) })
        #expect(Set(UInt8(ascii: "A")...UInt8(ascii: "Z")).subtracting(bytes).isEmpty)
        #expect(Set(UInt8(ascii: "a")...UInt8(ascii: "z")).subtracting(bytes).isEmpty)
    }

    @Test("Every speech is a name with a colon, then at least one line, none of them a name or ragged")
    func layout() {
        let names = Set(Self.speeches.compactMap(\.first))
        for speech in Self.speeches {
            #expect(speech.count >= 2, "too short: \(speech)")
            #expect(speech.first?.last == ":", "no speaker: \(speech)")
            for line in speech.dropFirst() {
                #expect(!names.contains(line), "a name inside a speech: \(line)")
            }
            for line in speech {
                #expect(line.count < 80 && line.first != " " && line.last != " ", "ragged: \(line)")
            }
        }
    }

    @Test("Every speaker has at least two speeches: a name that occurs once is a misspelling")
    func speakers() {
        let counts = Dictionary(Self.speeches.map { ($0.first ?? "", 1) }, uniquingKeysWith: +)
        #expect(counts.count >= 10)
        #expect(counts.filter { $0.value < 2 }.isEmpty)
    }

    @Test("No speech occurs twice, and no long line more than twice")
    func noRepetition() {
        let words = Self.speeches.map { $0.dropFirst().joined(separator: "\n") }
        #expect(Set(words).count == words.count)
        let lines = Self.speeches.flatMap { $0.dropFirst() }.filter { $0.count >= 20 }
        let counts = Dictionary(lines.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.filter { $0.value > 2 }.isEmpty)
    }
}
