import Corpus
import Testing

@Suite struct SpeechesTests {
    private static let play = NamedText(
        name: "a play",
        text: """
            ANNA:
            Good day.
            And good night.

            BERT:
            Good what?

            First Guest:

            ANNA:
            Night.

            No name here, but
            two lines.


            BERT:
            Oh: a colon.

            CLARA:
            Ah.

            """)

    @Test("Speeches are labelled with their speakers, without names, on one line")
    func speeches() throws {
        let texts = try Speeches.labelled(Self.play, atLeast: 1)
        #expect(texts.labels == ["ANNA", "BERT", "CLARA"])
        #expect(
            texts.examples.map(\.text) == ["Good day. And good night.", "Good what?", "Night.", "Oh: a colon.", "Ah."])
        #expect(texts.examples.map(\.label) == [0, 1, 0, 1, 2])
        #expect(texts.name == "the speeches of a play")
    }

    @Test("Those who speak most are kept", arguments: [(1, 2, ["ANNA", "BERT"]), (2, 10, ["ANNA", "BERT"])])
    func most(least: Int, speakers: Int, labels: [String]) throws {
        #expect(try Speeches.labelled(Self.play, atMost: speakers, atLeast: least).labels == labels)
    }

    @Test("A text without speakers is an error", arguments: ["", "ANNA:\na\n\nANNA:\nb", "a text\n\nof prose"])
    func none(text: String) {
        #expect { try Speeches.labelled(NamedText(name: "prose", text: text), atLeast: 1) } throws: {
            "\($0)".hasPrefix("prose: no two speakers have 1 speech")
        }
    }

    @Test("The built-in play has ten speakers, each with twenty speeches")
    func builtIn() throws {
        let texts = try Speeches.labelled(BuiltInCorpus.named)
        #expect(texts.labels.count == 10 && texts.counts.allSatisfy { $0 >= 20 })
        #expect(texts.labels.contains("DUKE HADRIAN"))
    }
}
