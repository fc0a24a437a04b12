// How Python shows values: `str` for output, `repr` for the elements of lists and dictionaries.

extension Interpreter {
    /// The text of a value as an output has it.
    func string(_ value: Value) throws -> Text {
        switch value {
        case .text(let text): return text
        case .undefined: return ""
        default:
            var result: [Unicode.Scalar] = []
            try appendRepresentation(of: value, to: &result, depth: 0)
            return Text(result)
        }
    }

    /// The text of a value as an element of a list has it.
    func representation(_ value: Value) throws -> Text {
        var result: [Unicode.Scalar] = []
        try appendRepresentation(of: value, to: &result, depth: 0)
        return Text(result)
    }

    private func appendRepresentation(of value: Value, to result: inout [Unicode.Scalar], depth: Int) throws {
        try budget.spend()
        try budget.check(depth)
        func append(_ string: String) { result += string.unicodeScalars }
        func append(_ items: some Sequence<Value>, _ opening: String, _ closing: String) throws {
            append(opening)
            for (position, item) in items.enumerated() {
                if position > 0 { append(", ") }
                try appendRepresentation(of: item, to: &result, depth: depth + 1)
            }
            append(closing)
        }
        switch value {
        case .undefined: append("Undefined")
        case .none: append("None")
        case .bool(let value): append(value ? "True" : "False")
        case .int(let value): append(String(value))
        case .float(let value): append(value.pythonDescription)
        case .text(let text):
            try budget.allocate(text.count)
            result += text.quoted.scalars
        case .list(let elements): try append(elements.items, "[", "]")
        case .tuple(let elements): try append(elements.items, "(", elements.items.count == 1 ? ",)" : ")")
        case .mapping(let mapping): try appendMembers(of: mapping, to: &result, depth: depth)
        case .view(let view):
            append("\(value.typeName)([")
            try append((0..<view.mapping.count).map { view[$0] }, "", "])")
        case .range(let interval):
            append("range(\(interval.start), \(interval.stop)\(interval.step == 1 ? "" : ", \(interval.step)"))")
        case .namespace(let namespace):
            append("<Namespace ")
            try appendMembers(of: namespace.attributes, to: &result, depth: depth)
            append(">")
        case .loop(let loop): append("<LoopContext \(loop.index + 1)/\(try loop.length(self))>")
        case .function(.macro(let macro)):
            append("<Macro ")
            result += macro.definition.name.map { Text($0).quoted.scalars } ?? Text("anonymous").scalars
            append(">")
        case .iterator, .function:
            // Python shows an address in memory, which no template can mean.
            throw failure("\(value.typeName) cannot be shown: use the filter 'list', or call it")
        }
    }

    private func appendMembers(of mapping: Mapping, to result: inout [Unicode.Scalar], depth: Int) throws {
        result.append("{")
        for position in 0..<mapping.count {
            if position > 0 { result += ", ".unicodeScalars }
            try appendRepresentation(of: mapping.keys[position], to: &result, depth: depth + 1)
            result += ": ".unicodeScalars
            try appendRepresentation(of: mapping.values[position], to: &result, depth: depth + 1)
        }
        result.append("}")
    }
}

extension Text {
    /// The text in quotation marks, with escapes, as by Python's `repr`.
    fileprivate var quoted: Text {
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        var result = [quote]
        for scalar in scalars {
            if scalar == quote || scalar == "\\" {
                result += ["\\", scalar]
            } else {
                result += scalar.escaped(asASCII: false).unicodeScalars
            }
        }
        return Text(result + [quote])
    }
}

extension Unicode.Scalar {
    /// The scalar, or an escape of Python for one that cannot be printed, or that is not ASCII if the result must be.
    func escaped(asASCII: Bool) -> String {
        switch self {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            if asASCII ? (0x20..<0x7F).contains(value) : isPrintable { return String(self) }
            let (letter, count) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
            let digits = String(value, radix: 16)
            return "\\\(letter)" + String(repeating: "0", count: count - digits.utf8.count) + digits
        }
    }
}

extension Double {
    /// The number as Python's `repr` writes it: the shortest digits that read back to it, with an exponent below 1e-4 and
    /// from 1e16.
    var pythonDescription: String {
        guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
        // The shortest digits, as `description` has them in one of two forms.
        let parts = magnitude.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        let integer = mantissa[0] == "0" ? "" : mantissa[0]
        var point = integer.utf8.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        var digits = Array((integer + fraction).utf8)
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(zeros)
        point -= zeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let sign = self.sign == .minus ? "-" : ""
        guard !digits.isEmpty else { return sign + "0.0" }
        func text(_ digits: some Sequence<UInt8>) -> String { String(decoding: Array(digits), as: UTF8.self) }
        if point <= -4 || point > 16 {
            let exponent = point - 1, size = String(exponent.magnitude)
            let fraction = digits.count > 1 ? "." + text(digits.dropFirst()) : ""
            return sign + text(digits.prefix(1)) + fraction + "e" + (exponent < 0 ? "-" : "+")
                + (size.utf8.count < 2 ? "0" + size : size)
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text(digits) }
        let padding = String(repeating: "0", count: max(0, point - digits.count))
        let rest = digits.count > point ? text(digits[point...]) : "0"
        return sign + text(digits.prefix(point)) + padding + "." + rest
    }
}
