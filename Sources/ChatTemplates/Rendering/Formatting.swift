// Python's operator `%` for strings: conversions s, r, d, i, f, x, X and c, with a width, a precision, and the flags - 0 and +.

extension Interpreter {
    func formatted(_ format: Text, with value: Value) throws -> Text {
        var arguments = FormatArguments(value)
        var result: [Unicode.Scalar] = [], position = 0
        let scalars = format.scalars
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            guard scalar == "%" else {
                result.append(scalar)
                continue
            }
            let conversion = try FormatConversion(scalars, &position)
            try budget.allocate(min(conversion.width, 1 << 40) + 1)
            if conversion.kind == "%" {
                result.append("%")
                continue
            }
            let value = try arguments.next(named: conversion.name, self)
            let text = try self.text(of: value, conversion)
            try budget.allocate(text.count)
            result += conversion.padded(text).scalars
        }
        guard arguments.areUsed else { throw failure("not all values of % are used by the format") }
        try budget.allocate(format.count)
        return Text(result)
    }

    private func text(of value: Value, _ conversion: FormatConversion) throws -> Text {
        func cut(_ text: Text) -> Text { conversion.precision.map { Text(text.scalars.prefix($0)) } ?? text }
        switch conversion.kind {
        case "s": return cut(try string(value))
        case "r": return cut(try representation(value))
        case "d", "i", "x", "X":
            var integer = value.integer
            if integer == nil, conversion.kind == "d" || conversion.kind == "i", case .float(let number) = value {
                integer = Int(exactly: number.rounded(.towardZero))
            }
            guard let integer, conversion.precision == nil else {
                if case .undefined(let problem) = value { throw failure(problem) }
                throw failure("%\(conversion.kind) needs an integer that fits in 64 bits, and no precision")
            }
            let isHexadecimal = conversion.kind != "d" && conversion.kind != "i"
            let digits = String(integer.magnitude, radix: isHexadecimal ? 16 : 10, uppercase: conversion.kind == "X")
            return Text((integer < 0 ? "-" : conversion.flags.contains("+") ? "+" : "") + digits)
        case "f", "F":
            guard let number = value.number else {
                if case .undefined(let problem) = value { throw failure(problem) }
                throw failure("%f needs a number, not \(value.typeName)")
            }
            guard number.isFinite else { throw failure("%f of a number that is not finite is not supported") }
            let digits = number.magnitude.fixed(conversion.precision ?? 6)
            return Text((number.sign == .minus ? "-" : conversion.flags.contains("+") ? "+" : "") + digits)
        default: throw failure("the conversion %\(conversion.kind.escaped(asASCII: false)) is not supported")
        }
    }
}

/// A conversion such as `%-5.2f` or `%(name)s`.
private struct FormatConversion {
    var name: Text?
    var flags = ""
    var width = 0
    var precision: Int?
    let kind: Unicode.Scalar

    /// Reads a conversion after its `%`.
    init(_ scalars: [Unicode.Scalar], _ position: inout Int) throws {
        func current() -> Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }
        func number() throws -> Int {
            let digits = Text(scalars[position...].prefix { $0.isDigit })
            position += digits.count
            let value = digits.isEmpty ? 0 : Int(digits.string) ?? .max
            guard value <= 1_000_000 else { throw ChatTemplateError("a width of a format is too large") }
            return value
        }
        if current() == "(" {
            guard let end = scalars[position...].firstIndex(of: ")") else {
                throw ChatTemplateError("a format does not end")
            }
            name = Text(scalars[(position + 1)..<end])
            position = end + 1
        }
        while let flag = current(), "-0+".unicodeScalars.contains(flag) {
            flags.unicodeScalars.append(flag)
            position += 1
        }
        width = try number()
        if current() == "." {
            position += 1
            precision = try number()
            guard precision ?? 0 <= 500 else { throw ChatTemplateError("the precision of a format is too large") }
        }
        guard let last = current() else { throw ChatTemplateError("a format does not end") }
        kind = last
        position += 1
    }

    /// The text in the width of the conversion.
    func padded(_ text: Text) -> Text {
        guard text.count < width else { return text }
        let isNumber = kind != "s" && kind != "r"
        let isZeroed = isNumber && flags.contains("0") && !flags.contains("-")
        let padding = [Unicode.Scalar](repeating: isZeroed ? "0" : " ", count: width - text.count)
        if flags.contains("-") { return Text(text.scalars + padding) }
        let signs = isZeroed ? text.scalars.prefix { $0 == "-" || $0 == "+" } : []
        return Text(signs + padding + text.scalars.dropFirst(signs.count))
    }
}

/// The values of a format: those of a tuple in their order, one value, or members of a dictionary.
private struct FormatArguments {
    private let value: Value
    private var used = 0
    private var isNamed = false

    init(_ value: Value) { self.value = value }

    mutating func next(named name: Text?, _ interpreter: Interpreter) throws -> Value {
        if let name {
            guard case .mapping(let mapping) = value else {
                throw ChatTemplateError("a format with names needs a dictionary")
            }
            guard let member = mapping[.text(name)] else {
                throw ChatTemplateError("the dictionary of a format has no '\(name.string)'")
            }
            isNamed = true
            return member
        }
        defer { used += 1 }
        if case .tuple(let elements) = value {
            guard used < elements.items.count else {
                throw ChatTemplateError("a format has more conversions than values")
            }
            return elements.items[used]
        }
        guard used == 0, !isNamed else { throw ChatTemplateError("a format has more conversions than values") }
        return value
    }

    var areUsed: Bool {
        switch value {
        case .tuple(let elements): used >= elements.items.count
        // Python accepts any of these without a conversion.
        case .mapping, .list, .range, .view: true
        default: used > 0
        }
    }
}
