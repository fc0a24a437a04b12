extension JSON {
    /// The greatest nesting depth of arrays and objects. Deeper texts are an error, so that the recursion of parser,
    /// writer and destructor fits in the stack of any thread.
    package static let greatestDepth = 256

    /// Parses one JSON text as RFC 8259 defines it, in time proportional to its length.
    ///
    /// Errors are: anything after the value, a byte order mark, duplicate keys, invalid UTF-8, escapes of unpaired
    /// surrogates (which are not characters), control characters in strings, nesting beyond `greatestDepth`.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let bytes = UnsafeBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        var parser = JSONParser(bytes: bytes)
        self = try parser.parseText()
    }

    /// Parses one JSON text from an array of bytes.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) in try JSON(parsing: bytes) }
        }
        self = try result.get()
    }

    /// Parses one JSON text from a string.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }
}

/// A recursive descent parser on the bytes of a text, with a method for each rule of the grammar.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func parseText() throws(JSONError) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw failure("the text begins with a byte order mark; save it without one")
        }
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        guard position == bytes.count else { throw failure("expected the end of the text after the value") }
        return value
    }

    private mutating func parseValue() throws(JSONError) -> JSON {
        switch peek() {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return .number(try parseNumber())
        case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
        case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
        case UInt8(ascii: "n"): return try parseLiteral("null", .null)
        default: throw failure("expected a value")
        }
    }

    // MARK: Containers

    private mutating func parseArray() throws(JSONError) -> JSON {
        try enter()
        var elements: [JSON] = []
        skipWhitespace()
        if take(UInt8(ascii: "]")) { return leave(.array(elements)) }
        while true {
            skipWhitespace()
            elements.append(try parseValue())
            skipWhitespace()
            if take(UInt8(ascii: "]")) { return leave(.array(elements)) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or ]") }
        }
    }

    private mutating func parseObject() throws(JSONError) -> JSON {
        try enter()
        var object = JSONObject()
        skipWhitespace()
        if take(UInt8(ascii: "}")) { return leave(.object(object)) }
        while true {
            skipWhitespace()
            let start = position
            guard peek() == UInt8(ascii: "\"") else { throw failure("expected a key in quotation marks") }
            let key = try parseString()
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected a colon after the key") }
            skipWhitespace()
            let value = try parseValue()
            guard object.append(key, value) else {
                throw failure("the key \(JSON.string(key).serialized()) occurs twice in one object", at: start)
            }
            skipWhitespace()
            if take(UInt8(ascii: "}")) { return leave(.object(object)) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or }") }
        }
    }

    /// Skips an opening bracket.
    private mutating func enter() throws(JSONError) {
        guard depth < JSON.greatestDepth else { throw failure("nested more than \(JSON.greatestDepth) deep") }
        depth += 1
        position += 1
    }

    private mutating func leave(_ value: JSON) -> JSON {
        depth -= 1
        return value
    }

    // MARK: Strings

    private mutating func parseString() throws(JSONError) -> String {
        let start = position + 1
        position = start
        skipPlainCharacters()
        if peek() == UInt8(ascii: "\"") {
            // Most strings have no escapes and are decoded directly from the text.
            let string = try decode(UnsafeBufferPointer(rebasing: bytes[start..<position]), at: start)
            position += 1
            return string
        }

        var unescaped = Array(bytes[start..<position])
        while true {
            switch peek() {
            case UInt8(ascii: "\""):
                let string = try unescaped.withUnsafeBufferPointer { bytes throws(JSONError) in
                    try decode(bytes, at: start)
                }
                position += 1
                return string
            case UInt8(ascii: "\\"):
                let scalar = try parseEscape()
                unescaped.append(contentsOf: scalar.utf8)
            case nil:
                throw failure("expected a quotation mark at the end of the string")
            default:
                throw failure("a control character in a string; write it as an escape")
            }
            let plain = position
            skipPlainCharacters()
            unescaped.append(contentsOf: bytes[plain..<position])
        }
    }

    /// Skips to the next quotation mark, backslash, control character or end.
    private mutating func skipPlainCharacters() {
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
            position += 1
        }
    }

    private func decode(_ utf8: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let string = String(validating: utf8, as: UTF8.self) else {
            throw failure("a string that is not valid UTF-8", at: start)
        }
        return string
    }

    /// Parses an escape, from its backslash on.
    private mutating func parseEscape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        let letter = peek()
        position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try parseFourHexadecimalDigits()
            if let scalar = Unicode.Scalar(first) { return scalar }
            if first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
                let second = try parseFourHexadecimalDigits()
                if 0xDC00...0xDFFF ~= second,
                    let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10 | (second - 0xDC00)))
                {
                    return scalar
                }
            }
            throw failure("an escape of an unpaired surrogate", at: start)
        default:
            throw failure("an invalid escape", at: start)
        }
    }

    private mutating func parseFourHexadecimalDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits after \\u")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Numbers and literals

    private mutating func parseNumber() throws(JSONError) -> JSONNumber {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if let byte = peek(), isDigit(byte) { throw failure("a number with a leading zero", at: start) }
        } else {
            try skipDigits()
        }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
        return JSONNumber(checked: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    /// Skips one digit or more.
    private mutating func skipDigits() throws(JSONError) {
        guard let byte = peek(), isDigit(byte) else { throw failure("expected a digit") }
        while let byte = peek(), isDigit(byte) { position += 1 }
    }

    private mutating func parseLiteral(_ literal: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let end = position + literal.utf8CodeUnitCount
        let letters = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        guard end <= bytes.count, bytes[position..<end].elementsEqual(letters) else {
            throw failure("expected a value")
        }
        position = end
        return value
    }

    // MARK: Bytes

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Skips `byte` if it comes next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// An error at `offset`, by default at the next byte.
    private func failure(_ problem: String, at offset: Int? = nil) -> JSONError {
        let offset = min(offset ?? position, bytes.count)
        let ended = offset == bytes.count ? ", but the text ends here" : ""
        return JSONError(problem + ended, at: offset, of: bytes)
    }
}
