extension JSON {
    /// The same value in the one form that does not depend on how it was written: members sorted by the bytes of their keys,
    /// and numbers by value. A program that reads a file and saves it again changes spaces, order and spelling (`1e-6` and
    /// `0.000001`), but not this. A whole number stays different from the same number with a fraction (`1` and `1.0`),
    /// because readers distinguish the two.
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

    /// The first place at which another value differs from this one, in words with both values; nil where the two are the
    /// same but for the way they are written.
    package func difference(from old: JSON) -> String? {
        canonical.difference(fromCanonical: old.canonical, at: [])
    }

    private func difference(fromCanonical old: JSON, at path: [String]) -> String? {
        if self == old { return nil }
        guard let new = objectValue, let old = old.objectValue else {
            return "\(path.isEmpty ? "it" : path.place) was \(old.shown) and is \(shown)"
        }
        // What is missing comes first: of a renamed key it is the old name that a reader looks for.
        for (key, value) in old where new[key] == nil {
            return "\((path + [key]).place) was \(value.shown) and is missing"
        }
        for (key, value) in new {
            let place = path + [key]
            guard let before = old[key] else { return "\(place.place) was added" }
            if let difference = value.difference(fromCanonical: before, at: place) { return difference }
        }
        return nil
    }

    /// The value as it fits into an error message: itself if it is short, otherwise what kind of value it is.
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
    /// Keys of nested objects as one name for an error message. Keys may hold anything, line breaks for example.
    fileprivate var place: String {
        map { key in
            let isPlain = key.utf8.count <= 60 && key.utf8.allSatisfy { 0x21...0x7E ~= $0 }
            return isPlain ? key : JSON.string(String(key.unicodeScalars.prefix(60).map(Character.init))).serialized()
        }.joined(separator: ".")
    }
}
