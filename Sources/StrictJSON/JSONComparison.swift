extension JSON {
    /// The value in canonical form: members sorted by the bytes of their keys, and numbers in their shortest spelling.
    /// A program that reads a file and saves it again may change spaces, order and spelling (`1e-6` and `0.000001`),
    /// but not this. An integer stays different from the same number with a fraction (`1` and `1.0`), because parsers
    /// distinguish the two.
    package var canonical: JSON {
        switch self {
        case .null, .bool, .string: return self
        case .number(let number): return .number(number.canonical)
        case .array(let elements): return .array(elements.map(\.canonical))
        case .object(let object):
            let sorted = object.map { ($0.key, $0.value.canonical) }
                .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
            return .object(JSONObject(sorted))
        }
    }

    /// The first difference from an older value, as a message with the path and both values; nil if the canonical forms
    /// are equal.
    package func difference(from old: JSON) -> String? {
        canonical.difference(fromCanonical: old.canonical, at: [])
    }

    private func difference(fromCanonical old: JSON, at path: [String]) -> String? {
        if self == old { return nil }
        guard let new = objectValue, let old = old.objectValue else {
            return "\(path.isEmpty ? "it" : path.dotted) was \(old.shown) and is \(shown)"
        }
        // Missing keys first: after a renaming the old name is the one that the user will look for.
        for (key, value) in old where new[key] == nil {
            return "\((path + [key]).dotted) was \(value.shown) and is missing"
        }
        for (key, value) in new {
            let path = path + [key]
            guard let before = old[key] else { return "\(path.dotted) was added" }
            if let difference = value.difference(fromCanonical: before, at: path) { return difference }
        }
        return nil
    }

    /// The value for an error message: itself if it is short, otherwise its kind.
    package var shown: String {
        let text = serialized()
        return text.utf8.count > 60 ? kind : text
    }
}

extension JSONNumber {
    /// The number in the shortest form that reads back to the same value.
    fileprivate var canonical: JSONNumber {
        if let int { return JSONNumber(int) }
        return double.flatMap { JSONNumber($0) } ?? self
    }
}

extension [String] {
    /// The path of keys for an error message, joined by dots. Keys that are long or not plain ASCII are shortened and
    /// quoted: they may contain line breaks.
    fileprivate var dotted: String {
        map { key in
            let isPlain = key.utf8.count <= 60 && key.utf8.allSatisfy { 0x21...0x7E ~= $0 }
            return isPlain ? key : JSON.string(String(key.unicodeScalars.prefix(60).map(Character.init))).serialized()
        }.joined(separator: ".")
    }
}
