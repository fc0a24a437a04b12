extension JSON {
    /// The value as JSON text, with members in their order.
    ///
    /// Only quotation marks, backslashes and control characters are escaped, not characters beyond ASCII. The pretty
    /// form is indented by two spaces and ends in a newline, as in the files of Hugging Face.
    package func serialized(pretty: Bool = false) -> String {
        var writer = JSONWriter(pretty: pretty)
        writer.write(self, indentation: 0)
        if pretty { writer.text.append(UInt8(ascii: "\n")) }
        return String(decoding: writer.text, as: UTF8.self)
    }
}

private struct JSONWriter {
    let pretty: Bool
    var text: [UInt8] = []

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSON, indentation: Int) {
        switch value {
        case .null: write("null")
        case .bool(let value): write(value ? "true" : "false")
        case .number(let number): write(number.text)
        case .string(let string): writeString(string)
        case .array(let elements):
            write("[")
            for (position, element) in elements.enumerated() {
                separate(position, indentation)
                write(element, indentation: indentation + 1)
            }
            if !elements.isEmpty { startLine(indentation) }
            write("]")
        case .object(let object):
            write("{")
            for (position, member) in object.enumerated() {
                separate(position, indentation)
                writeString(member.key)
                write(pretty ? ": " : ":")
                write(member.value, indentation: indentation + 1)
            }
            if !object.isEmpty { startLine(indentation) }
            write("}")
        }
    }

    /// Writes the separator before the element at `position` of a container.
    private mutating func separate(_ position: Int, _ indentation: Int) {
        if position > 0 { write(",") }
        startLine(indentation + 1)
    }

    private mutating func startLine(_ indentation: Int) {
        guard pretty else { return }
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indentation))
    }

    private mutating func write(_ string: String) { text.append(contentsOf: string.utf8) }

    private mutating func writeString(_ string: String) {
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): write("\\\"")
            case UInt8(ascii: "\\"): write("\\\\")
            case 0x08: write("\\b")
            case 0x09: write("\\t")
            case 0x0A: write("\\n")
            case 0x0C: write("\\f")
            case 0x0D: write("\\r")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                write("\\u00" + (digits.utf8.count == 1 ? "0" : "") + digits)
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
