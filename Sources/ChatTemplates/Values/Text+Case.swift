// Upper and lower case by Unicode's full mappings, as Python computes them.

extension Text {
    var uppercased: Text { Text(scalars.flatMap { $0.properties.uppercaseMapping.unicodeScalars }) }

    var lowercased: Text {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(count)
        for position in scalars.indices { appendLowercase(of: position, to: &result) }
        return Text(result)
    }

    /// The first scalar in title case, the rest in lower case.
    var capitalized: Text {
        guard let first = scalars.first else { return self }
        var result = Array(first.properties.titlecaseMapping.unicodeScalars)
        for position in scalars.indices.dropFirst() { appendLowercase(of: position, to: &result) }
        return Text(result)
    }

    /// Each run of letters capitalized, as by Python's `str.title`.
    var titlecased: Text {
        var result: [Unicode.Scalar] = [], isInWord = false
        for position in scalars.indices {
            if isInWord {
                appendLowercase(of: position, to: &result)
            } else {
                result += scalars[position].properties.titlecaseMapping.unicodeScalars
            }
            isInWord = scalars[position].properties.isCased
        }
        return Text(result)
    }

    /// The parts between white space and opening brackets, each with its first scalar in upper case and the rest in lower
    /// case, as by Jinja's filter `title`.
    var withCapitalWords: Text {
        var result: [Unicode.Scalar] = [], start = 0
        func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isWhiteSpace || "-({[<".unicodeScalars.contains(scalar)
        }
        while start < count {
            let isSeparators = isSeparator(scalars[start])
            let end = scalars[start...].firstIndex { isSeparator($0) != isSeparators } ?? count
            let part = Text(scalars[start..<end])
            result +=
                Text(part.scalars.prefix(1)).uppercased.scalars + Text(part.scalars.dropFirst()).lowercased.scalars
            start = end
        }
        return Text(result)
    }

    /// A capital sigma at the end of a word has a lower case of its own.
    private func appendLowercase(of position: Int, to result: inout [Unicode.Scalar]) {
        let scalar = scalars[position]
        guard scalar == "\u{3A3}" else {
            result += scalar.properties.lowercaseMapping.unicodeScalars
            return
        }
        let before = scalars[..<position].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(position + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
        result.append(isFinal ? "\u{3C2}" : "\u{3C3}")
    }

    /// Whether there are cased scalars, and all of them are in upper case.
    var isUppercase: Bool {
        scalars.contains { $0.properties.isUppercase } && !scalars.contains { $0.isLowercaseOrTitlecase }
    }

    /// Whether there are cased scalars, and all of them are in lower case.
    var isLowercase: Bool {
        scalars.contains { $0.properties.isLowercase }
            && !scalars.contains { $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter }
    }
}

extension Unicode.Scalar {
    fileprivate var isLowercaseOrTitlecase: Bool {
        properties.isLowercase || properties.generalCategory == .titlecaseLetter
    }

    /// White space as Python's `str.isspace` defines it.
    var isWhiteSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// A line break as Python's `str.splitlines` defines it.
    var isLineBreak: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Whether Python's `repr` shows the scalar itself.
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
