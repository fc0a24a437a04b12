// The filter `tojson`, which transformers defines as Python's `json.dumps`: it does not escape what HTML would need.

extension Interpreter {
    func json(_ value: Value, _ arguments: Arguments) throws -> Text {
        let values = try arguments.bound(to: ["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson")
        var writer = JSONTextWriter(
            interpreter: self, isASCII: values[0]?.isTrue ?? false, isSorted: values[3]?.isTrue ?? false)
        switch values[1] {
        case nil, Value.none?: break
        case .text(let text)?: writer.indentation = text.scalars
        case let width?:
            let count = max(0, try integer(width, "the indent of tojson"))
            try budget.allocate(count)
            writer.indentation = [Unicode.Scalar](repeating: " ", count: count)
        }
        if writer.indentation != nil { writer.itemSeparator = "," }
        if let separators = values[2], !separators.isNone {
            let parts = try elements(of: separators)
            guard parts.count == 2 else { throw failure("the separators of tojson are two strings") }
            writer.itemSeparator = try requiredText(parts[0], "tojson")
            writer.keySeparator = try requiredText(parts[1], "tojson")
        }
        try writer.write(value, depth: 0)
        return Text(writer.result)
    }
}

private struct JSONTextWriter {
    let interpreter: Interpreter
    let isASCII: Bool
    let isSorted: Bool
    var indentation: [Unicode.Scalar]?
    var itemSeparator: Text = ", "
    var keySeparator: Text = ": "
    var result: [Unicode.Scalar] = []

    mutating func write(_ value: Value, depth: Int) throws {
        try interpreter.budget.spend()
        switch value {
        case .none: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        case .float(let value): append(value.jsonDescription)
        case .text(let text): try write(text)
        case .list(let elements), .tuple(let elements):
            append("[")
            for (position, item) in elements.items.enumerated() {
                try separate(position, depth)
                try write(item, depth: depth + 1)
            }
            if !elements.items.isEmpty { try startLine(depth) }
            append("]")
        case .mapping(let mapping): try write(mapping, depth: depth)
        case .undefined(let problem): throw interpreter.failure("tojson of an undefined value: \(problem)")
        default: throw interpreter.failure("tojson of \(value.typeName) is not possible")
        }
    }

    private mutating func write(_ mapping: Mapping, depth: Int) throws {
        append("{")
        let positions =
            isSorted ? try interpreter.sortedPositions(mapping.keys, isReversed: false) : Array(0..<mapping.count)
        for (number, position) in positions.enumerated() {
            try separate(number, depth)
            switch mapping.keys[position] {
            case .text(let text): try write(text)
            case .none: append("\"null\"")
            case .bool(let value): append(value ? "\"true\"" : "\"false\"")
            case .int(let value): append("\"\(value)\"")
            case .float(let value): append("\"\(value.jsonDescription)\"")
            default:
                throw interpreter.failure("tojson of a dictionary with keys of type \(mapping.keys[position].typeName)")
            }
            result += keySeparator.scalars
            try write(mapping.values[position], depth: depth + 1)
        }
        if mapping.count > 0 { try startLine(depth) }
        append("}")
    }

    private mutating func append(_ string: String) { result += string.unicodeScalars }

    private mutating func separate(_ position: Int, _ depth: Int) throws {
        if position > 0 {
            try interpreter.budget.allocate(itemSeparator.count)
            result += itemSeparator.scalars
        }
        try startLine(depth + 1)
    }

    private mutating func startLine(_ depth: Int) throws {
        guard let indentation else { return }
        try interpreter.budget.allocate(1 + depth * indentation.count)
        result.append("\n")
        for _ in 0..<depth { result += indentation }
    }

    private mutating func write(_ text: Text) throws {
        try interpreter.budget.allocate(text.count + 2)
        result.append("\"")
        for scalar in text.scalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\u{8}": append("\\b")
            case "\t": append("\\t")
            case "\n": append("\\n")
            case "\u{C}": append("\\f")
            case "\r": append("\\r")
            default:
                if scalar.value < 0x20 || isASCII && !(0x20..<0x7F).contains(scalar.value) {
                    for unit in UTF16.encode(scalar) ?? .init() { appendEscape(unit) }
                } else {
                    result.append(scalar)
                }
            }
        }
        result.append("\"")
    }

    private mutating func appendEscape(_ unit: UInt16) {
        let digits = String(unit, radix: 16)
        append("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    }
}

extension Double {
    fileprivate var jsonDescription: String {
        isNaN ? "NaN" : isInfinite ? (self < 0 ? "-Infinity" : "Infinity") : pythonDescription
    }
}
