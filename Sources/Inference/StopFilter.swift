import Models

/// Lets text through until a stop string appears in it, and never a part of one.
///
/// Text that may be the beginning of a stop string is held back until it is clear that it is not. Of several strings the
/// one counts that is complete first, and of those complete at the same place the longest.
public struct StopFilter {
    /// The strings' UTF-8, and how much of each the text so far ends with: the method of Knuth, Morris and Pratt (1977).
    private var matchers: [Matcher]
    /// The end of the text that may begin a stop string.
    private var held: [UInt8] = []

    /// Whether a stop string has appeared. After it nothing comes through.
    public private(set) var isStopped = false

    /// - Throws: `GenerationError.emptyStopString`.
    public init(_ stops: [String]) throws(GenerationError) {
        if stops.contains(where: \.isEmpty) { throw .emptyStopString }
        matchers = stops.map { Matcher(Array($0.utf8)) }
    }

    /// What can be shown now that `text` has come.
    public mutating func append(_ text: String) -> String {
        if isStopped { return "" }
        if matchers.isEmpty { return text }
        var shown: [UInt8] = []
        for byte in text.utf8 {
            held.append(byte)
            for i in matchers.indices { matchers[i].append(byte) }
            if let stop = matchers.filter(\.isComplete).max(by: { $0.matched < $1.matched }) {
                isStopped = true
                shown += held.dropLast(stop.matched)
                held = []
                break
            }
            let free = held.count - (matchers.map(\.matched).max() ?? 0)
            shown += held[..<free]
            held.removeFirst(free)
        }
        // A stop string is whole characters, so what is held back begins with one, and what is shown ends with one.
        return String(decoding: shown, as: UTF8.self)
    }

    /// What was held back, when no more text comes.
    public mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// Finds a string in bytes that come one at a time.
    private struct Matcher {
        let string: [UInt8]
        /// For each length of a matched beginning, that of the longest shorter beginning it ends with.
        let fallback: [Int]
        /// How many bytes of the string the text ends with.
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
