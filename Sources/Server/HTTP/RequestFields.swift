import StrictJSON

/// The fields of the JSON object of a request. Every field that is read is known; all others are refused by name, because a
/// field without effect would give other results than its sender expects.
struct RequestFields {
    private let object: JSONObject
    private var known: Set<String> = []

    /// - Throws: `APIError` if the body is not a JSON object.
    init(_ body: [UInt8]) throws(APIError) {
        let json: JSON
        do { json = try JSON(parsing: body) } catch {
            throw APIError(400, "the body is not valid JSON: \(error)", code: "invalid_json")
        }
        guard let object = json.objectValue else {
            throw APIError(400, "the body is \(json.kind); it must be a JSON object", code: "invalid_json")
        }
        self.object = object
    }

    init(_ object: JSONObject) { self.object = object }

    /// The value of a field; nil if it is missing or null.
    mutating func value(_ name: String) -> JSON? {
        known.insert(name)
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    mutating func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard let string = value.stringValue else { throw wrong(name, value, "a string") }
        return string
    }

    mutating func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.boolValue else { throw wrong(name, value, "true or false") }
        return bool
    }

    mutating func number(_ name: String) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw wrong(name, value, "a number") }
        return number
    }

    /// A whole number in a range.
    mutating func integer(_ name: String, in range: ClosedRange<Int> = .min ... .max) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let integer = value.intValue ?? value.doubleValue.flatMap({ Int(exactly: $0) }) else {
            throw wrong(name, value, "a whole number")
        }
        guard range.contains(integer) else {
            let bounds =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw APIError(400, "'\(name)' is \(integer); it must be \(bounds)", parameter: name)
        }
        return integer
    }

    mutating func required(_ name: String) throws(APIError) -> String {
        guard let string = try string(name) else { throw missing(name) }
        return string
    }

    /// A list of token ids of a model.
    mutating func ids(_ name: String, of model: ServedModel) throws(APIError) -> [Int32]? {
        guard let value = value(name) else { return nil }
        guard let list = value.arrayValue else { throw wrong(name, value, "a list of token ids") }
        return try Self.ids(list, name, vocabularySize: model.summary.vocabularySize)
    }

    /// The token ids in the list of a field.
    static func ids(_ list: [JSON], _ name: String, vocabularySize: Int) throws(APIError) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(list.count)
        for element in list {
            guard let id = element.intValue, 0..<vocabularySize ~= id else {
                throw APIError(
                    400, "'\(name)' has an element that is no token id from 0 to \(vocabularySize - 1)", parameter: name
                )
            }
            ids.append(Int32(id))
        }
        return ids
    }

    func missing(_ name: String) -> APIError { APIError(400, "'\(name)' is missing", parameter: name) }

    func wrong(_ name: String, _ value: JSON, _ expected: String) -> APIError {
        APIError(400, "'\(name)' is \(value.kind); it must be \(expected)", parameter: name)
    }

    /// Accepts a field, whatever its value, because it cannot change the result.
    mutating func ignore(_ names: String...) { known.formUnion(names) }

    /// Accepts a field that is not supported if its value is the one that has no effect.
    mutating func accept(_ name: String, only isWithoutEffect: (JSON) -> Bool, _ reason: String) throws(APIError) {
        guard let value = value(name), !isWithoutEffect(value) else { return }
        throw APIError(400, "'\(name)' is not supported: \(reason)", parameter: name, code: "unsupported_parameter")
    }

    /// A text of a request as messages show it: on one line, and not too long.
    static func shown(_ text: String) -> String {
        let characters = text.unicodeScalars.prefix(100).map {
            $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0)
        }
        return String(characters) + (text.unicodeScalars.count > 100 ? "..." : "")
    }

    /// - Throws: `APIError` for the first field that nothing has read.
    func requireKnown() throws(APIError) {
        for (name, value) in object where !known.contains(name) && !value.isNull {
            throw APIError(
                400, "'\(Self.shown(name))' is not a field that this server supports; remove it",
                parameter: Self.shown(name),
                code: "unsupported_parameter")
        }
    }
}
