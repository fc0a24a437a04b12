import Tokenizers

/// A regular expression with the features of split patterns, matched by backtracking.
private indirect enum Expression {
    /// Between `least` and `most` characters of a class, greedy.
    case run(@Sendable (Unicode.Scalar) -> Bool, least: Int, most: Int = .max)
    /// One of these strings, ignoring case.
    case word([String], foldingCase: Bool)
    case optional(Expression)
    case endOfText
    /// A lookahead: the end of the text, or white space, comes next.
    case beforeSpaceOrEnd
    case sequence([Expression])
    case either([Expression])

    /// Calls `then` with each possible end of a match, the preferred first, until it returns a result.
    func match(_ text: [Unicode.Scalar], _ start: Int, _ then: (Int) -> Int?) -> Int? {
        switch self {
        case .run(let contains, let least, let most):
            var end = start
            while end < text.count, end - start < most, contains(text[end]) { end += 1 }
            while end - start >= least {
                if let result = then(end) { return result }
                end -= 1
            }
            return nil
        case .word(let words, let folding):
            for word in words {
                let scalars = Array(word.unicodeScalars)
                guard start + scalars.count <= text.count else { continue }
                let matches = zip(text[start...], scalars).allSatisfy { found, wanted in
                    found == wanted || (folding && (found.properties.lowercaseMapping == String(wanted)))
                        || (folding && wanted == "s" && found == "\u{17F}")
                }
                if matches, let result = then(start + scalars.count) { return result }
            }
            return nil
        case .optional(let expression): return expression.match(text, start, then) ?? then(start)
        case .endOfText: return start == text.count ? then(start) : nil
        case .beforeSpaceOrEnd: return start == text.count || isSpace(text[start]) ? then(start) : nil
        case .sequence(let parts):
            guard let first = parts.first else { return then(start) }
            return first.match(text, start) { Expression.sequence(Array(parts.dropFirst())).match(text, $0, then) }
        case .either(let expressions):
            for expression in expressions {
                if let result = expression.match(text, start, then) { return result }
            }
            return nil
        }
    }
}

private func isIn(_ categories: [Unicode.GeneralCategory]) -> @Sendable (Unicode.Scalar) -> Bool {
    { categories.contains($0.properties.generalCategory) }
}
@Sendable private func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
@Sendable private func isLineBreak(_ scalar: Unicode.Scalar) -> Bool { scalar == "\r" || scalar == "\n" }
private let marks: [Unicode.GeneralCategory] = [.nonspacingMark, .spacingMark, .enclosingMark]
private let isLetter = isIn([.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter])
private let isNumber = isIn([.decimalNumber, .letterNumber, .otherNumber])
private let isUpper = isIn([.uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter] + marks)
private let isLower = isIn([.lowercaseLetter, .modifierLetter, .otherLetter] + marks)
@Sendable private func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    !isSpace(scalar) && !isLetter(scalar) && !isNumber(scalar)
}
@Sendable private func mayPrecede(_ scalar: Unicode.Scalar) -> Bool {
    !isLineBreak(scalar) && !isLetter(scalar) && !isNumber(scalar)
}

extension SplitPattern {
    /// The published regular expression, alternative by alternative.
    private var expression: Expression {
        let space = Expression.optional(.word([" "], foldingCase: false))
        let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
        let contraction = Expression.word(contractions, foldingCase: true)
        let before = Expression.run(mayPrecede, least: 0, most: 1)
        let spaces: [Expression] = [
            .sequence([.run(isSpace, least: 1), .beforeSpaceOrEnd]), .run(isSpace, least: 1),
        ]
        let lines: [Expression] = [.sequence([.run(isSpace, least: 0), .run(isLineBreak, least: 1)])] + spaces
        func oneSign(_ digits: Int) -> [Expression] {
            [
                contraction, .sequence([before, .run(isLetter, least: 1)]), .run(isNumber, least: 1, most: digits),
                .sequence([space, .run(isPunctuation, least: 1), .run(isLineBreak, least: 0)]),
            ]
        }
        switch self {
        case .gpt2:
            let runs = [isLetter, isNumber, isPunctuation].map { Expression.sequence([space, .run($0, least: 1)]) }
            return .either([.word(contractions, foldingCase: false)] + runs + spaces)
        case .cl100k: return .either(oneSign(3) + [.sequence([.run(isSpace, least: 1), .endOfText])] + lines)
        case .llama3: return .either(oneSign(3) + lines)
        case .qwen2: return .either(oneSign(1) + lines)
        case .o200k:
            let words: [Expression] = [(0, 1), (1, 0)].map { upper, lower in
                .sequence([
                    before, .run(isUpper, least: upper), .run(isLower, least: lower), .optional(contraction),
                ])
            }
            let tail = Expression.run({ isLineBreak($0) || $0 == "/" }, least: 0)
            return .either(
                words + [.run(isNumber, least: 1, most: 3), .sequence([space, .run(isPunctuation, least: 1), tail])]
                    + lines)
        case .whole: return .run({ _ in true }, least: 1)
        }
    }

    /// The pre-tokens of the expression, by backtracking. A byte that is not part of UTF-8 is punctuation.
    package func referencePretokens(_ bytes: [UInt8]) -> [[UInt8]] {
        let characters = bytes.characters
        let scalars = characters.map(\.scalar)
        var pretokens: [[UInt8]] = []
        var start = 0
        while start < scalars.count {
            let end = expression.match(scalars, start) { $0 } ?? start
            precondition(end > start, "the expression matches every character")
            pretokens.append(characters[start..<end].flatMap(\.bytes))
            start = end
        }
        return pretokens
    }
}

extension [UInt8] {
    /// The characters of a text in UTF-8, each with its bytes. An invalid byte is a character by itself: U+E000, which
    /// is for private use and so neither letter, number nor white space.
    package var characters: [(scalar: Unicode.Scalar, bytes: ArraySlice<UInt8>)] {
        var result: [(scalar: Unicode.Scalar, bytes: ArraySlice<UInt8>)] = []
        var position = 0
        while position < count {
            var found: (scalar: Unicode.Scalar, bytes: ArraySlice<UInt8>) = ("\u{E000}", self[position...position])
            for end in position + 1...Swift.min(count, position + 4) {
                let bytes = self[position..<end]
                if let scalar = String(validating: bytes, as: UTF8.self)?.unicodeScalars.first {
                    found = (scalar, bytes)
                    break
                }
            }
            result.append(found)
            position = found.bytes.endIndex
        }
        return result
    }
}
