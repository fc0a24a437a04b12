import Platform

extension Interpreter {
    func apply(numberFilter name: String, to value: Value, _ arguments: Arguments) throws -> Value {
        if case .text(let text) = value { try budget.spend(1 + text.count) }
        if name == "int" { return try convertedToInteger(value, arguments) }
        if case .undefined(let problem) = value { throw failure(problem) }
        switch name {
        case "abs":
            _ = try arguments.bound(to: [], of: name)
            if case .float(let number) = value { return .float(number.magnitude) }
            guard let integer = value.integer else { throw failure("abs needs a number, not \(value.typeName)") }
            return integer < 0 ? try negated(.int(integer)) : .int(integer)
        case "float":
            let missing = try arguments.bound(to: ["default"], of: name)[0] ?? .float(0)
            return value.number.map(Value.float) ?? value.text.flatMap(\.float).map(Value.float) ?? missing
        default: return try rounded(value, arguments)
        }
    }

    private func convertedToInteger(_ value: Value, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["default", "base"], of: "int")
        let missing = values[0] ?? .int(0), base = try values[1].map { try integer($0, "int") } ?? 10
        if let integer = value.integer { return .int(integer) }
        switch value {
        case .undefined(let problem): throw failure(problem)
        case .float(let number):
            if number.isNaN { return missing }
            guard let integer = Int(exactly: number.rounded(.towardZero)) else {
                throw failure("a number does not fit in 64 bits")
            }
            return .int(integer)
        case .text(let text):
            guard base == 10 || base == 16 || base == 8 || base == 2 else {
                throw failure("the base \(base) is not supported")
            }
            if let integer = try text.integer(base: base) { return .int(integer) }
            guard let number = text.float, number.isFinite else { return missing }
            guard let integer = Int(exactly: number.rounded(.towardZero)) else {
                throw failure("a number does not fit in 64 bits")
            }
            return .int(integer)
        default: return missing
        }
    }

    private func rounded(_ value: Value, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["precision", "method"], of: "round")
        let precision = try values[0].map { try integer($0, "round") } ?? 0
        let method = try optionalText(values[1], "round") ?? "common"
        guard let number = value.number else { throw failure("round needs a number, not \(value.typeName)") }
        guard (-300...300).contains(precision) else { throw failure("the precision of round is out of range") }
        switch method {
        case "common":
            if let integer = value.integer, precision >= 0 { return .int(integer) }
            guard precision >= 0 else {
                guard value.integer == nil else { throw failure("round of an integer to tens is not supported") }
                let scale = pow(10, Double(-precision))
                return .float((number / scale).rounded(.toNearestOrEven) * scale)
            }
            guard number.isFinite else { return value }
            return .float(Double(number.fixed(precision)) ?? number)
        case "ceil", "floor":
            let scale = pow(10, Double(precision)), scaled = number * scale
            guard let integer = Int(exactly: scaled.rounded(method == "ceil" ? .up : .down)) else {
                throw failure("round needs a number that fits in 64 bits")
            }
            return .float(Double(integer) / scale)
        default: throw failure("the method of round is common, ceil or floor")
        }
    }
}

extension Double {
    /// The number with this many digits after the point, rounded as its exact decimal value says.
    func fixed(_ precision: Int) -> String {
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = withVaList([Int32(precision), self]) { vsnprintf(&buffer, buffer.count, "%.*f", $0) }
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Text {
    /// The text as Python's `float` reads it.
    var float: Double? {
        let text = stripped().withoutUnderscores?.string.lowercased() ?? ""
        let digits =
            text.utf8.first.map { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") } == true
            ? text.dropFirst() : text[...]
        if ["inf", "infinity", "nan"].contains(digits) { return Double(text) }
        guard digits.utf8.first.map({ $0 == UInt8(ascii: ".") || (48...57).contains($0) }) == true,
            digits.utf8.allSatisfy({ (48...57).contains($0) || "+-.e".utf8.contains($0) })
        else { return nil }
        return Double(text) ?? (digits.utf8.last == UInt8(ascii: ".") ? Double(text + "0") : nil)
    }

    /// The text as Python's `int` reads it: digits, with a sign, and a prefix that agrees with the base.
    func integer(base: Int) throws -> Int? {
        guard var digits = stripped().withoutUnderscores?.string.lowercased() else { return nil }
        let sign = digits.hasPrefix("-") || digits.hasPrefix("+") ? String(digits.removeFirst()) : ""
        let prefix = [16: "0x", 8: "0o", 2: "0b"][base]
        if let prefix, digits.hasPrefix(prefix) { digits.removeFirst(2) }
        let isDigit = { (byte: UInt8) in Character(Unicode.Scalar(byte)).hexDigitValue.map { $0 < base } == true }
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else { return nil }
        guard let value = Int(sign + digits, radix: base) else {
            throw ChatTemplateError("a number does not fit in 64 bits")
        }
        return value
    }

    /// The text without single underscores between digits; nil if there are others.
    private var withoutUnderscores: Text? {
        guard let first = scalars.first, let last = scalars.last else { return nil }
        for (position, scalar) in scalars.enumerated() where scalar == "_" {
            guard first != "_", last != "_", scalars[position - 1].properties.numericType != nil || base(position - 1),
                scalars[position + 1].properties.numericType != nil || base(position + 1)
            else { return nil }
        }
        return Text(scalars.filter { $0 != "_" })
    }

    private func base(_ position: Int) -> Bool { Character(scalars[position]).isHexDigit }
}
