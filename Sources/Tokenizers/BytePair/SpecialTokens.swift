/// A token that is not made by merging, such as `<|endoftext|>`: a text of its own that stands for one id.
public struct SpecialToken: Sendable, Hashable {
    public let text: String
    public let id: Int32

    /// Whether it means something to a model rather than spelling text; decoding leaves such tokens out unless asked.
    public var isControl = true

    /// Whether it takes the white space before it, or after it, along.
    public var stripsLeft = false
    public var stripsRight = false

    /// Whether it is looked for after the text has been normalized; else before.
    public var isNormalized = false

    public init(_ text: String, id: Int32) {
        self.text = text
        self.id = id
    }
}

/// What becomes of special tokens that are spelled out in a text.
///
/// Whoever may write `<|endoftext|>` into a prompt and have it become that token can end the text for the model. So
/// texts of unknown origin are encoded with `refused` or `plainText`, and only what a program itself has put together
/// with `allowed`.
public struct SpecialTokenPolicy: Sendable, Hashable {
    /// All, none or some tokens, by their texts.
    public enum Selection: Sendable, Hashable {
        case all
        case none
        case some(Set<String>)

        func contains(_ text: String) -> Bool {
            switch self {
            case .all: true
            case .none: false
            // As bytes, for a `Set` takes equal texts in another form for the same.
            case .some(let texts): texts.contains { $0.utf8.elementsEqual(text.utf8) }
            }
        }
    }

    /// The tokens that become their ids.
    public let allowed: Selection

    /// Of the others, those that are an error; what is left is plain text.
    public let refused: Selection

    public init(allowed: Selection, refused: Selection) {
        self.allowed = allowed
        self.refused = refused
    }

    /// A text that spells a special token is an error.
    public static let refused = SpecialTokenPolicy(allowed: .none, refused: .all)

    /// Special tokens become their ids.
    public static let allowed = SpecialTokenPolicy(allowed: .all, refused: .none)

    /// A text that spells a special token holds those letters, and nothing else.
    public static let plainText = SpecialTokenPolicy(allowed: .none, refused: .none)

    func treatment(of token: SpecialToken) -> Treatment {
        if allowed.contains(token.text) { return .allowed }
        return refused.contains(token.text) ? .refused : .plainText
    }

    enum Treatment { case allowed, refused, plainText }
}

/// Finds special tokens in a text: the leftmost, and of those at one place the longest.
struct SpecialTokenMatcher: Sendable {
    let tokens: [SpecialToken]

    /// The tokens by their bytes, with positions in `tokens` as ids.
    private let table: TokenTable

    /// The lengths there are, the longest first.
    private let lengths: [Int]

    /// For each two bytes whether a token begins with them; of tokens of one byte all that begin with it.
    private let beginsToken: [Bool]

    /// The byte that all begin with, where there is one: usually `<`.
    private let commonFirst: UInt8?

    /// Tokens with empty texts are never found. Throws where two have the same text.
    init(_ tokens: [SpecialToken]) throws(TokenizerError) {
        self.tokens = tokens
        var bytes: [UInt8] = []
        var spans: [Range<Int>] = []
        var ids: [Int32] = []
        var beginsToken = [Bool](repeating: false, count: tokens.isEmpty ? 0 : 1 << 16)
        for (position, token) in tokens.enumerated() where !token.text.utf8.isEmpty {
            let text = Array(token.text.utf8)
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

    /// A token that stands in a text.
    struct Match {
        let token: SpecialToken
        let range: Range<Int>
    }

    /// The first token at or after `start` of which `accepts` is true.
    func firstMatch(
        in bytes: UnsafeBufferPointer<UInt8>, from start: Int, where accepts: (Match) throws -> Bool
    ) rethrows -> Match? {
        let text = TextBytes(bytes)
        var position = start
        while let candidate = firstCandidate(in: text, from: position) {
            for length in lengths where candidate + length <= text.count {
                guard let token = token(in: text, at: candidate, length) else { continue }
                let match = Match(token: token, range: candidate..<candidate + length)
                if try accepts(match) { return match }
            }
            position = candidate + 1
        }
        return nil
    }

    private func token(in text: TextBytes, at position: Int, _ length: Int) -> SpecialToken? {
        let id: Int32
        if position + length + TokenTable.padding <= text.count {
            id = table.id(text.base + position, length)
        } else {
            // Too near to the end to read sixteen bytes at once.
            id = table.id(of: (position..<position + length).map { text[$0] }) ?? -1
        }
        return id < 0 ? nil : tokens[Int(id)]
    }

    /// The first place at or after `start` where two bytes stand that a token begins with.
    private func firstCandidate(in text: TextBytes, from start: Int) -> Int? {
        guard !isEmpty else { return nil }
        let ones: UInt64 = 0x0101_0101_0101_0101
        return beginsToken.withUnsafeBufferPointer { beginsToken in
            var position = start
            while position < text.count {
                if let commonFirst {
                    // Eight bytes at a time: a byte of the difference is zero where the common first byte stands, and
                    // subtracting one from each borrows into the highest bit there (or above such a place).
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
