/// The values of the arguments of a call.
struct Arguments {
    var positional: [Value] = []
    var named: [(name: String, value: Value)] = []

    /// The arguments in the order of `parameters`: nil for those that are not given.
    /// - Throws: if there are too many, or an unknown one, or if fewer than `required` of the first are given.
    func bound(to parameters: [String], required: Int = 0, of function: String) throws -> [Value?] {
        guard positional.count <= parameters.count else {
            throw ChatTemplateError("\(function) has at most \(parameters.count) arguments, not \(positional.count)")
        }
        var values: [Value?] = positional + [Value?](repeating: nil, count: parameters.count - positional.count)
        for (name, value) in named {
            guard let position = parameters.firstIndex(of: name), position >= positional.count, values[position] == nil
            else {
                throw ChatTemplateError("\(function) has no argument '\(name)', or has it twice")
            }
            values[position] = value
        }
        if let missing = zip(parameters, values).prefix(required).first(where: { $0.1 == nil }) {
            throw ChatTemplateError("\(function) needs the argument '\(missing.0)'")
        }
        return values
    }
}
