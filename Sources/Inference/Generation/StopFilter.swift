import Models

/// Passes text on until it contains a stop string, and never passes on a part of one.
///
/// Text that may be the beginning of a stop string is held back until it is clear that it is not. If several stop strings
/// occur, the one that is complete first ends the text, and the longest of those that are complete at the same character.
public struct StopFilter {
    /// One for each stop string.
    private var matchers: [Matcher]
    /// The end of the text, in UTF-8, that may be the beginning of a stop string.
    private var held: [UInt8] = []

    /// The stop string that has occurred, if one has. From then on nothing is passed on.
    public private(set) var stop: String?

    /// Whether a stop string has occurred.
    public var isStopped: Bool { stop != nil }

    /// - Throws: `GenerationError.emptyStopString`.
    public init(_ stops: [String]) throws(GenerationError) {
        if stops.contains(where: \.isEmpty) { throw .emptyStopString }
        matchers = stops.map { Matcher(Array($0.utf8)) }
    }

    /// The text that can be shown after `text` was added.
    public mutating func append(_ text: String) -> String {
        if isStopped { return "" }
        if matchers.isEmpty { return text }
        var shown: [UInt8] = []
        for byte in text.utf8 {
            held.append(byte)
            for i in matchers.indices { matchers[i].append(byte) }
            if let longest = matchers.filter(\.isComplete).max(by: { $0.matched < $1.matched }) {
                stop = String(decoding: longest.string, as: UTF8.self)
                shown += held.dropLast(longest.matched)
                held = []
                break
            }
            let free = held.count - (matchers.map(\.matched).max() ?? 0)
            shown += held[..<free]
            held.removeFirst(free)
        }
        // Stop strings are whole characters, so `held` begins at a character and `shown` ends with a whole one.
        return String(decoding: shown, as: UTF8.self)
    }

    /// The text that was held back, once the text has ended.
    public mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// Finds a string in a sequence of bytes, by the algorithm of Knuth, Morris and Pratt (1977).
    private struct Matcher {
        let string: [UInt8]
        /// For each length of a matched prefix, the length of the longest shorter prefix that it ends with.
        let fallback: [Int]
        /// The length of the longest prefix of the string that the bytes so far end with.
        var matched = 0

        var isComplete: Bool { matched == string.count }

        init(_ string: [UInt8]) {
            self.string = string
            var fallback = [0, 0]
            for length in stride(from: 2, through: string.count, by: 1) {
                var border = fallback[length - 1]
                while border > 0, string[border] != string[length - 1] { border = fallback[border] }
                fallback.append(string[border] == string[length - 1] ? border + 1 : 0)
            }
            self.fallback = fallback
        }

        mutating func append(_ byte: UInt8) {
            while matched > 0, matched == string.count || string[matched] != byte { matched = fallback[matched] }
            if string[matched] == byte { matched += 1 }
        }
    }
}
