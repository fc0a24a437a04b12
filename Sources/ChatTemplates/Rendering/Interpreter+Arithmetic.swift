import Platform

// Operators, with the meaning that they have in Python. Integers beyond 64 bits are an error.

extension Interpreter {
    func arithmetic(_ symbol: String, _ left: Value, _ right: Value) throws -> Value {
        if symbol == "%", case .text(let format) = left { return .text(try formatted(format, with: right)) }
        for operand in [left, right] { if case .undefined(let problem) = operand { throw failure(problem) } }
        if let left = left.integer, let right = right.integer { return try integers(symbol, left, right) }
        if let left = left.number, let right = right.number { return try floats(symbol, left, right) }
        switch (symbol, left, right) {
        case ("+", .text(let left), .text(let right)):
            try budget.allocate(left.count + right.count)
            return .text(Text(left.scalars + right.scalars))
        case ("+", .list(let left), .list(let right)): return .list(try budget.elements(left.items + right.items))
        case ("+", .tuple(let left), .tuple(let right)): return .tuple(try budget.elements(left.items + right.items))
        case ("*", _, _):
            if let count = right.integer, let value = try repeated(left, count) { return value }
            if let count = left.integer, let value = try repeated(right, count) { return value }
        default: break
        }
        throw failure("\(symbol) is not defined for \(left.typeName) and \(right.typeName)")
    }

    /// A text, a list or a tuple repeated; nil for any other value.
    private func repeated(_ value: Value, _ count: Int) throws -> Value? {
        let count = max(0, count)
        func allocate(_ length: Int) throws {
            let (total, overflow) = length.multipliedReportingOverflow(by: count)
            try budget.allocate(overflow ? .max : total)
        }
        switch value {
        case .text(let text):
            try allocate(text.count)
            return .text(Text([[Unicode.Scalar]](repeating: text.scalars, count: text.isEmpty ? 0 : count).joined()))
        case .list(let elements), .tuple(let elements):
            try allocate(8 * elements.items.count)
            let repetitions = elements.items.isEmpty ? 0 : count
            let items = Array([[Value]](repeating: elements.items, count: repetitions).joined())
            if case .list = value { return .list(try budget.elements(items)) }
            return .tuple(try budget.elements(items))
        default: return nil
        }
    }

    private func integers(_ symbol: String, _ left: Int, _ right: Int) throws -> Value {
        func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Value {
            if result.overflow { throw failure("the result of \(symbol) does not fit in 64 bits") }
            return .int(result.partialValue)
        }
        switch symbol {
        case "+": return try checked(left.addingReportingOverflow(right))
        case "-": return try checked(left.subtractingReportingOverflow(right))
        case "*": return try checked(left.multipliedReportingOverflow(by: right))
        case "/", "//", "%":
            guard right != 0 else { throw failure("division by zero") }
            if symbol == "/" { return .float(Double(left) / Double(right)) }
            if right == -1 { return symbol == "%" ? .int(0) : try checked(left.multipliedReportingOverflow(by: -1)) }
            // Python rounds down, so the remainder has the sign of the divisor.
            let (quotient, remainder) = left.quotientAndRemainder(dividingBy: right)
            let isRoundedUp = remainder != 0 && (remainder < 0) != (right < 0)
            if symbol == "//" { return .int(isRoundedUp ? quotient - 1 : quotient) }
            return .int(isRoundedUp ? remainder + right : remainder)
        default:
            guard right >= 0 else { return try floats(symbol, Double(left), Double(right)) }
            return try checked(power(left, right))
        }
    }

    private func power(_ base: Int, _ exponent: Int) -> (partialValue: Int, overflow: Bool) {
        if exponent == 0 || base == 1 { return (1, false) }
        if base == 0 { return (0, false) }
        if base == -1 { return (exponent.isMultiple(of: 2) ? 1 : -1, false) }
        guard exponent < 64 else { return (0, true) }
        var result = 1
        for _ in 0..<exponent {
            let product = result.multipliedReportingOverflow(by: base)
            if product.overflow { return product }
            result = product.partialValue
        }
        return (result, false)
    }

    private func floats(_ symbol: String, _ left: Double, _ right: Double) throws -> Value {
        if ["/", "//", "%"].contains(symbol), right == 0 { throw failure("division by zero") }
        switch symbol {
        case "+": return .float(left + right)
        case "-": return .float(left - right)
        case "*": return .float(left * right)
        case "/": return .float(left / right)
        case "//": return .float(divided(left, right).quotient)
        case "%": return .float(divided(left, right).remainder)
        default:
            if left == 0, right < 0 { throw failure("0 to a negative power") }
            let result = pow(left, right)
            if result.isNaN, !left.isNaN, !right.isNaN { throw failure("the result of ** is a complex number") }
            if result.isInfinite, left.isFinite, right.isFinite { throw failure("the result of ** is too large") }
            return .float(result)
        }
    }

    /// Division rounded down, with the corrections that Python applies for signs and for rounding.
    private func divided(_ left: Double, _ right: Double) -> (quotient: Double, remainder: Double) {
        var remainder = fmod(left, right)
        var quotient = (left - remainder) / right
        if remainder == 0 {
            remainder = copysign(0, right)
        } else if (right < 0) != (remainder < 0) {
            remainder += right
            quotient -= 1
        }
        guard quotient != 0 else { return (copysign(0, left / right), remainder) }
        let rounded = quotient.rounded(.down)
        return (quotient - rounded > 0.5 ? rounded + 1 : rounded, remainder)
    }

    func negated(_ value: Value) throws -> Value {
        if let integer = value.integer { return try integers("-", 0, integer) }
        if case .float(let number) = value { return .float(-number) }
        if case .undefined(let problem) = value { throw failure(problem) }
        throw failure("- is not defined for \(value.typeName)")
    }

    func positive(_ value: Value) throws -> Value {
        if let integer = value.integer { return .int(integer) }
        if case .float = value { return value }
        if case .undefined(let problem) = value { throw failure(problem) }
        throw failure("+ is not defined for \(value.typeName)")
    }
}

extension Value {
    /// The value as a double, if it is a number.
    var number: Double? {
        if case .float(let number) = self { return number }
        return integer.map(Double.init)
    }
}
