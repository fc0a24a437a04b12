/// Finds special tokens in a text: the leftmost, and the longest of those that begin at the same position.
struct SpecialTokenMatcher: Sendable {
    let tokens: [SpecialToken]

    /// The tokens by their bytes, with positions in `tokens` as ids.
    private let table: TokenTable

    /// The lengths of the tokens in bytes, the longest first.
    private let lengths: [Int]

    /// Whether a token begins with two bytes, at the index with the first byte in its upper half. A token of one byte begins
    /// with it and any other.
    private let beginsToken: [Bool]

    /// The byte that all tokens begin with, usually `<`; `nil` if they begin differently.
    private let commonFirst: UInt8?

    /// Tokens with empty texts are never found. Throws if two tokens have the same text.
    /// - Parameters:
    ///   - tokens: the tokens.
    ///   - spellings: what is searched for in place of their texts.
    init(_ tokens: [SpecialToken], spellings: [[UInt8]]? = nil) throws(TokenizerError) {
        self.tokens = tokens
        var bytes: [UInt8] = []
        var spans: [Range<Int>] = []
        var ids: [Int32] = []
        var beginsToken = [Bool](repeating: false, count: tokens.isEmpty ? 0 : 1 << 16)
        for (position, token) in tokens.enumerated() where !token.text.utf8.isEmpty {
            let text = spellings.map { $0[position] } ?? Array(token.text.utf8)
            spans.append(bytes.count..<bytes.count + text.count)
            ids.append(Int32(truncatingIfNeeded: position))
            bytes += text
            let first = Int(text[0]) << 8
            let seconds = text.count > 1 ? Int(text[1])...Int(text[1]) : 0...255
            for second in seconds { beginsToken[first | second] = true }
        }
        do {
            table = try TokenTable(bytes: bytes, spans: spans, ids: ids)
        } catch {
            switch error {
            case .sameBytes(let first, _):
                throw .vocabulary("the special token \(quoted(tokens[Int(first)].text)) occurs twice")
            }
        }
        lengths = Set(spans.map(\.count)).sorted(by: >)
        self.beginsToken = beginsToken
        let firsts = Set(spans.map { bytes[$0.lowerBound] })
        commonFirst = firsts.count == 1 ? firsts.first : nil
    }

    var isEmpty: Bool { lengths.isEmpty }

    /// The first token in a text.
    func firstToken(in text: String) -> SpecialToken? {
        if isEmpty { return nil }
        var text = text
        return text.withUTF8 { firstMatch(in: $0, from: 0) { _ in true } }?.token
    }

    /// A token that was found, and its bytes in the text.
    struct Match {
        let token: SpecialToken
        let range: Range<Int>
    }

    /// The first token at or after `start` that `accepts` accepts. Where the longest of them must be a whole word and is not,
    /// shorter ones are not looked for, and the search goes on after it, as in Hugging Face's tokenizers.
    func firstMatch(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int, where accepts: (Match) throws -> Bool
    ) rethrows -> Match? {
        let text = TextBytes(bytes)
        var position = start
        while let candidate = firstCandidate(in: text, from: position) {
            position = candidate + 1
            for length in lengths where candidate + length <= text.count {
                guard let token = token(in: text, at: candidate, length) else { continue }
                let match = Match(token: token, range: candidate..<candidate + length)
                guard try accepts(match) else { continue }
                if !token.isWholeWord || text.isWord(match.range) { return match }
                position = candidate + length
                break
            }
        }
        return nil
    }

    private func token(in text: TextBytes, at position: Int, _ length: Int) -> SpecialToken? {
        let id: Int32
        if position + length + TokenTable.padding <= text.count {
            id = table.id(text.base + position, length)
        } else {
            // Fewer than sixteen bytes can be read from here on.
            id = table.id(of: (position..<position + length).map { text[$0] }) ?? -1
        }
        return id < 0 ? nil : tokens[Int(id)]
    }

    /// The first position at or after `start` of two bytes that a token begins with.
    private func firstCandidate(in text: TextBytes, from start: Int) -> Int? {
        guard !isEmpty else { return nil }
        let ones: UInt64 = 0x0101_0101_0101_0101
        return beginsToken.withUnsafeBufferPointer { beginsToken in
            var position = start
            while position < text.count {
                if let commonFirst {
                    // Eight bytes at a time: a byte of the difference is zero where the common first byte is, and
                    // subtracting one from each byte sets the highest bit there (and perhaps in bytes above it).
                    while position &+ 8 <= text.count {
                        let difference = text.word(at: position) ^ ones &* UInt64(commonFirst)
                        let zeros = (difference &- ones) & ~difference & (ones &* 0x80)
                        if zeros != 0 {
                            position &+= zeros.trailingZeroBitCount >> 3
                            break
                        }
                        position &+= 8
                    }
                    if position >= text.count { return nil }
                }
                let second = position + 1 < text.count ? Int(text[position + 1]) : 0
                if beginsToken[Int(text[position]) << 8 | second] { return position }
                position &+= 1
            }
            return nil
        }
    }
}
