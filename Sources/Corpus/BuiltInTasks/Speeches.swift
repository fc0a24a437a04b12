/// Who speaks? Labelled texts out of a play, with which a classifier can be trained without any file.
public enum Speeches {
    /// The speeches of the speakers who speak most, each labelled with the name of its speaker.
    ///
    /// The play is written as tiny Shakespeare and the built-in one are: the name of a speaker and a colon on a line, then the
    /// lines of the speech, then an empty line. The text of an example is the speech without the name, its lines joined by
    /// spaces. Names without a speech, and parts without a name, are left out.
    ///
    /// - Parameters:
    ///   - play: the text.
    ///   - speakers: the largest number of speakers. Of two who speak equally often, the one who speaks first comes first.
    ///   - speeches: the smallest number of speeches that a speaker has.
    /// - Throws: if no two speakers have that many speeches.
    public static func labelled(
        _ play: NamedText, atMost speakers: Int = 10, atLeast speeches: Int = 20
    ) throws(CorpusError) -> LabelledTexts {
        let all = parts(of: play.text)
        var counts: [Substring: Int] = [:], names: [Substring] = []
        for (speaker, _) in all {
            if counts[speaker] == nil { names.append(speaker) }
            counts[speaker, default: 0] += 1
        }
        let places = names.enumerated().map { (place: $0, name: $1, count: counts[$1] ?? 0) }
        let most = places.filter { $0.count >= speeches }.sorted { ($1.count, $0.place) < ($0.count, $1.place) }
        let kept = Set(most.prefix(speakers).map(\.name))
        guard kept.count > 1 else {
            throw CorpusError(
                "\(shown(path: play.name)): no two speakers have \(speeches) speeches or more; a speech is a line with a name "
                    + "and a colon, the lines of the speech, and an empty line")
        }
        return try LabelledTexts(
            name: "the speeches of \(play.name)",
            all.filter { kept.contains($0.speaker) }.map { (text: $0.text, label: String($0.speaker)) })
    }

    /// The speeches of a play with the names of their speakers.
    private static func parts(of text: String) -> [(speaker: Substring, text: String)] {
        // By bytes: CR LF is one Character.
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { Substring($0.last == 0x0D ? $0.dropLast() : $0) }
        return lines.split(whereSeparator: { $0.allSatisfy(\.isWhitespace) }).compactMap { part in
            guard let first = part.first, first.last == ":", first.count > 1, part.count > 1 else { return nil }
            return (first.dropLast(), part.dropFirst().joined(separator: " "))
        }
    }
}
