// Tokens within tags.

extension TemplateLexer {
    /// Reads the token at the current position, which is no white space.
    mutating func readToken() throws -> Token.Kind {
        let scalar = source[position]
        if scalar.isDigit { return try readNumber() }
        if scalar.isNamePart { return try readName() }
        if scalar == "'" || scalar == "\"" { return .text(try readString(quote: scalar)) }
        return .symbol(try readSymbol())
    }

    private mutating func readSymbol() throws -> String {
        for symbol: StaticString in ["//", "**", "==", "!=", ">=", "<="] where has(symbol, at: position) {
            position += 2
            return symbol.description
        }
        let scalar = source[position]
        guard "+-/*%~[](){}><=.:|,;".unicodeScalars.contains(scalar) else {
            throw ChatTemplateError("unexpected character \(scalar.escaped(asASCII: false))", line: line)
        }
        position += 1
        return String(scalar)
    }

    private mutating func readName() throws -> Token.Kind {
        let name = Text(source[position...].prefix { $0.isNamePart })
        position += name.count
        guard name.count <= 255 else { throw ChatTemplateError("a name is longer than 255 characters", line: line) }
        return .name(name.string)
    }

    // MARK: Numbers

    private mutating func readNumber() throws -> Token.Kind {
        // After a dot it is an index: `a.0.1`.
        let isIndex = position > 0 && source[position - 1] == "."
        if !isIndex, let end = endOfFloat() {
            let digits = Text(source[position..<end].filter { $0 != "_" }).string
            position = end
            // Digits in the form that Double reads; beyond its range the value is infinite, as in Python.
            return .float(Double(digits) ?? .infinity)
        }
        var radix = 10, start = position
        if source[position] == "0", position + 1 < source.count {
            let radices: [Unicode.Scalar: Int] = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16]
            if let other = radices[source[position + 1]], endOfDigits(from: position + 2, radix: other) != nil {
                radix = other
                start += 2
            }
        }
        var end = endOfDigits(from: start, radix: radix) ?? start + 1
        if radix == 10, source[start] == "0" {
            // Zeros are a number, digits after them another one: Jinja has no octal numbers of this form.
            end = endOfDigits(from: start, radix: 1) ?? start + 1
        }
        let digits = Text(source[start..<end].filter { $0 != "_" }).string
        position = end
        guard let value = Int(digits, radix: radix) else {
            throw ChatTemplateError("the number \(digits.prefix(40)) does not fit in 64 bits", line: line)
        }
        return .integer(value)
    }

    /// The end of digits with single underscores between them, or before them in numbers with a prefix. Digits of radix 1
    /// are zeros.
    private func endOfDigits(from start: Int, radix: Int) -> Int? {
        func isDigit(_ position: Int) -> Bool {
            position < source.count && source[position].isASCII
                && Character(source[position]).hexDigitValue.map { $0 < radix } == true
        }
        var end = start
        if radix != 10, radix != 1, end < source.count, source[end] == "_", isDigit(end + 1) { end += 1 }
        guard isDigit(end) else { return nil }
        while isDigit(end) || end < source.count && source[end] == "_" && isDigit(end + 1) { end += 1 }
        return end
    }

    /// The end of a number with a fraction or an exponent; nil if there is an integer.
    private func endOfFloat() -> Int? {
        guard var end = endOfDigits(from: position, radix: 10) else { return nil }
        var isFloat = false
        if end < source.count, source[end] == ".", let fraction = endOfDigits(from: end + 1, radix: 10) {
            end = fraction
            isFloat = true
        }
        if end < source.count, source[end] == "e" || source[end] == "E" {
            let isSigned = end + 1 < source.count && (source[end + 1] == "+" || source[end + 1] == "-")
            if let exponent = endOfDigits(from: end + (isSigned ? 2 : 1), radix: 10) { return exponent }
        }
        return isFloat ? end : nil
    }

    // MARK: Strings

    private mutating func readString(quote: Unicode.Scalar) throws -> Text {
        var result: [Unicode.Scalar] = []
        position += 1
        while position < source.count {
            let scalar = source[position]
            position += 1
            if scalar == quote { return Text(result) }
            if scalar == "\\" { try readEscape(into: &result) } else { result.append(scalar) }
        }
        throw ChatTemplateError("a string does not end", line: line)
    }

    /// Reads what follows a backslash, by the rules of Python's strings. A backslash before anything else stays.
    private mutating func readEscape(into result: inout [Unicode.Scalar]) throws {
        guard position < source.count else { return }
        let scalar = source[position]
        position += 1
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r",
            "t": "\t", "v": "\u{B}",
        ]
        switch scalar {
        case "\n": break
        case "0"..."7":
            var value = scalar.value - 48, count = 1
            while count < 3, position < source.count, ("0"..."7").contains(source[position]) {
                value = value * 8 + source[position].value - 48
                position += 1
                count += 1
            }
            result.append(Unicode.Scalar(value) ?? "\0")
        case "x": result.append(try readHexadecimal(2))
        case "u": result.append(try readHexadecimal(4))
        case "U": result.append(try readHexadecimal(8))
        case "N": throw ChatTemplateError("names of characters (\\N) are not supported in strings", line: line)
        default:
            if let meaning = simple[scalar] {
                result.append(meaning)
            } else if scalar.isASCII {
                result += ["\\", scalar]
            } else {
                // Jinja escapes scalars beyond ASCII before it decodes escapes, so this backslash escapes that escape.
                result += scalar.escaped(asASCII: true).unicodeScalars
            }
        }
    }

    private mutating func readHexadecimal(_ count: Int) throws -> Unicode.Scalar {
        let digits = Text(source[position...].prefix(count))
        position += digits.count
        guard digits.count == count, digits.scalars.allSatisfy({ $0.isASCII && Character($0).isHexDigit }),
            let value = UInt32(digits.string, radix: 16)
        else { throw ChatTemplateError("\\x, \\u or \\U without 2, 4 or 8 hexadecimal digits", line: line) }
        guard let scalar = Unicode.Scalar(value) else {
            throw ChatTemplateError("the escape \\u\(digits.string) is no character", line: line)
        }
        return scalar
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { ("0"..."9").contains(self) }

    /// Whether the scalar can be in a name, and, unless it is a digit, begin one.
    fileprivate var isNamePart: Bool {
        self == "_" || (isASCII ? properties.isAlphabetic || isDigit : properties.isXIDContinue)
    }
}
