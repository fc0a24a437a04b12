/// A string as Python has it: a sequence of Unicode scalars, compared scalar by scalar. Swift's `String` would treat canonically
/// equivalent strings as equal, and a carriage return with a line feed as one character.
struct Text: Hashable, Sendable {
    var scalars: [Unicode.Scalar]

    init(_ scalars: some Sequence<Unicode.Scalar>) { self.scalars = Array(scalars) }
    init(_ string: String) { scalars = Array(string.unicodeScalars) }

    var count: Int { scalars.count }
    var isEmpty: Bool { scalars.isEmpty }

    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}

extension Text: Comparable {
    static func < (left: Text, right: Text) -> Bool { left.scalars.lexicographicallyPrecedes(right.scalars) }
}

extension Text: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self.init(value) }
}

// MARK: - Searching

extension Text {
    /// The first position of `part` at or after `start`; nil if there is none. An empty part is everywhere.
    ///
    /// The time is linear, by the algorithm of Knuth, Morris and Pratt: what is searched may be hostile.
    func position(of part: Text, from start: Int = 0) -> Int? {
        guard part.count <= count - start else { return nil }
        guard let first = part.scalars.first else { return start }
        guard part.count > 1 else { return scalars[start...].firstIndex(of: first) }
        let borders = part.borders
        var matched = 0
        for position in start..<count {
            while matched > 0, scalars[position] != part.scalars[matched] { matched = borders[matched - 1] }
            if scalars[position] == part.scalars[matched] { matched += 1 }
            if matched == part.count { return position + 1 - matched }
        }
        return nil
    }

    /// For each beginning of the text, the length of the longest shorter one that it ends with.
    private var borders: [Int] {
        var borders = [Int](repeating: 0, count: count), length = 0
        for position in scalars.indices.dropFirst() {
            while length > 0, scalars[position] != scalars[length] { length = borders[length - 1] }
            if scalars[position] == scalars[length] { length += 1 }
            borders[position] = length
        }
        return borders
    }

    /// The last position of `part`.
    func lastPosition(of part: Text) -> Int? {
        Text(scalars.reversed()).position(of: Text(part.scalars.reversed())).map { count - part.count - $0 }
    }

    func has(_ part: Text, at position: Int) -> Bool {
        position + part.count <= count && scalars[position..<position + part.count].elementsEqual(part.scalars)
    }

    func hasPrefix(_ prefix: Text) -> Bool { scalars.starts(with: prefix.scalars) }
    func hasSuffix(_ suffix: Text) -> Bool { suffix.count <= count && has(suffix, at: count - suffix.count) }

    /// The parts between the occurrences of `separator`, which is not empty: at most `limit` of them are used.
    func split(by separator: Text, limit: Int = .max) -> [Text] {
        var parts: [Text] = [], start = 0
        while parts.count < limit, let position = position(of: separator, from: start) {
            parts.append(Text(scalars[start..<position]))
            start = position + separator.count
        }
        return parts + [Text(scalars[start...])]
    }

    /// The parts between runs of white space, without empty ones. The last part is the rest, once `limit` runs were used.
    func splitAtWhiteSpace(limit: Int = .max) -> [Text] {
        var parts: [Text] = [], position = 0
        while true {
            while position < count, scalars[position].isWhiteSpace { position += 1 }
            guard position < count else { return parts }
            guard parts.count < limit else { return parts + [Text(scalars[position...])] }
            let start = position
            while position < count, !scalars[position].isWhiteSpace { position += 1 }
            parts.append(Text(scalars[start..<position]))
        }
    }

    /// The lines, as Python's `splitlines` finds them: no line follows the last line break.
    var lines: [Text] {
        var lines: [Text] = [], start = 0, position = 0
        while position < count {
            let scalar = scalars[position]
            position += 1
            guard scalar.isLineBreak else { continue }
            lines.append(Text(scalars[start..<position - 1]))
            if scalar == "\r", position < count, scalars[position] == "\n" { position += 1 }
            start = position
        }
        return start < count ? lines + [Text(scalars[start...])] : lines
    }

    enum Ends {
        case both, start, end
    }

    /// The text without scalars of `set` at its ends; white space, if `set` is nil.
    func stripped(_ ends: Ends = .both, of set: Text? = nil) -> Text {
        let set = set.map { Set($0.scalars) }
        let isStripped = { (scalar: Unicode.Scalar) in set?.contains(scalar) ?? scalar.isWhiteSpace }
        var range = scalars[...]
        if ends != .end { range = range.drop(while: isStripped) }
        if ends != .start {
            while let last = range.last, isStripped(last) { range.removeLast() }
        }
        return Text(range)
    }

    /// The text with the first `limit` occurrences of `old` replaced by `new`. An empty `old` is before each scalar and at
    /// the end.
    func replacing(_ old: Text, with new: Text, limit: Int = .max) -> Text {
        guard old.isEmpty else {
            return Text(split(by: old, limit: limit).map(\.scalars).joined(separator: new.scalars))
        }
        var result: [Unicode.Scalar] = []
        for (position, scalar) in scalars.enumerated() {
            if position < limit { result += new.scalars }
            result.append(scalar)
        }
        return Text(count < limit ? result + new.scalars : result)
    }

    /// The number of occurrences of `part` that do not overlap.
    func occurrences(of part: Text) -> Int { part.isEmpty ? count + 1 : split(by: part).count - 1 }
}
