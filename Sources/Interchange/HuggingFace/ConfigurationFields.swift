import StrictJSON

/// The members of an object in a JSON file, with errors that name the file, the key, the value and what is expected.
///
/// A member of a wrong type is an error and does not count as absent: if the default replaced it, the model could compute
/// something else without notice. null counts as absent only where transformers writes it with that meaning; the methods for
/// these members have `optional` in their names.
struct ConfigurationFields {
    private let object: JSONObject
    let path: String
    /// The keys of the objects that contain this one, which precede a key in errors.
    private let prefix: String

    init(_ json: JSON, _ path: String) throws(ModelError) {
        guard let object = json.objectValue else {
            throw ModelError(path: path, reason: "it contains \(json.kind), not an object")
        }
        self.init(object, path, prefix: "")
    }

    private init(_ object: JSONObject, _ path: String, prefix: String) {
        self.object = object
        self.path = path
        self.prefix = prefix
    }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }

    private func wrong(_ key: String, _ value: JSON, _ expected: String) -> ModelError {
        let found = value.isNull ? "null" : "\(value.kind) (\(value.shown))"
        return failure("\(prefix)\(key) is \(value.shown == value.kind ? value.kind : found), not \(expected)")
    }

    // MARK: Text and switches

    /// A string; nil if the key is absent, as for the following methods.
    func string(_ key: String) throws(ModelError) -> String? {
        guard let value = object[key] else { return nil }
        guard let string = value.stringValue else { throw wrong(key, value, "a string") }
        return string
    }

    /// A boolean.
    func bool(_ key: String) throws(ModelError) -> Bool? {
        guard let value = object[key] else { return nil }
        guard let bool = value.boolValue else { throw wrong(key, value, "true or false") }
        return bool
    }

    /// Throws unless each switch is absent or has the required value.
    func require(_ switches: [(key: String, value: Bool)]) throws(ModelError) {
        for (key, expected) in switches {
            if let value = try bool(key), value != expected {
                throw failure("\(prefix)\(key) = \(value) is not supported")
            }
        }
    }

    // MARK: Numbers

    /// A finite number.
    func number(_ key: String) throws(ModelError) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value.doubleValue else { throw wrong(key, value, "a finite number") }
        return number
    }

    /// A list of finite numbers that has no default.
    func numbers(_ key: String) throws(ModelError) -> [Double] {
        guard let value = object[key] else { throw failure("\(prefix)\(key) is missing") }
        guard let list = value.arrayValue, case let numbers = list.compactMap(\.doubleValue),
            numbers.count == list.count
        else { throw wrong(key, value, "a list of finite numbers") }
        return numbers
    }

    /// A number that may be absent or null.
    func optionalNumber(_ key: String) throws(ModelError) -> Double? {
        object[key]?.isNull ?? true ? nil : try number(key)
    }

    /// A number above 0.
    func positive(_ key: String) throws(ModelError) -> Double? {
        guard let number = try number(key) else { return nil }
        guard number > 0 else { throw failure("\(prefix)\(key) is \(number), which is not above 0") }
        return number
    }

    /// A number above 0 that has no default.
    func requiredPositive(_ key: String) throws(ModelError) -> Double {
        guard let number = try positive(key) else { throw failure("\(prefix)\(key) is missing") }
        return number
    }

    /// A size that may be absent, or null, which transformers writes for sizes that follow from others.
    func optionalSize(_ key: String, limit: Int) throws(ModelError) -> Int? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let number = value.intValue, number >= 1, number <= limit else {
            throw wrong(key, value, "a whole number between 1 and \(limit)")
        }
        return number
    }

    /// A size between 1 and `limit`.
    func size(_ key: String, limit: Int) throws(ModelError) -> Int {
        if let value = object[key], value.isNull { throw wrong(key, value, "a whole number between 1 and \(limit)") }
        guard let value = try optionalSize(key, limit: limit) else {
            throw failure("\(prefix)\(key) is missing")
        }
        return value
    }

    // MARK: Token ids

    /// A token id or a list of them; empty if the key is absent or null.
    func tokenIDs(_ key: String) throws(ModelError) -> [Int32] {
        guard let value = object[key], !value.isNull else { return [] }
        var ids: [Int32] = []
        for element in value.arrayValue ?? [value] {
            guard let id = element.intValue else {
                throw wrong(key, value, "a token id, a list of token ids or null")
            }
            // Some models have -1 or an id beyond their vocabulary for a token that does not exist.
            if let id = Int32(exactly: id), id >= 0 { ids.append(id) }
        }
        return ids
    }

    /// A list of sequences of token ids, such as `bad_words_ids`; empty if the key is absent or null.
    func tokenSequences(_ key: String) throws(ModelError) -> [[Int32]] {
        guard let value = object[key], !value.isNull else { return [] }
        let expected = "a list of lists of token ids"
        guard let lists = value.arrayValue else { throw wrong(key, value, expected) }
        var sequences: [[Int32]] = []
        for list in lists {
            guard let elements = list.arrayValue, !elements.isEmpty else { throw wrong(key, value, expected) }
            let ids = elements.compactMap { $0.intValue.flatMap(Int32.init(exactly:)) }
            guard ids.count == elements.count, ids.allSatisfy({ $0 >= 0 }) else { throw wrong(key, value, expected) }
            sequences.append(ids)
        }
        return sequences
    }

    // MARK: Members that only other programs use

    /// Throws if a member that the computation does not depend on has a wrong type: the ids of special tokens, rates of dropout,
    /// the number format.
    func requireTypesOfOthers() throws(ModelError) {
        for key in ["bos_token_id", "eos_token_id", "pad_token_id"] { _ = try tokenIDs(key) }
        for key in [
            "attention_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop", "initializer_range",
            "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout",
        ] {
            _ = try optionalNumber(key)
        }
        for key in ["dtype", "torch_dtype"] where !(object[key]?.isNull ?? true) { _ = try string(key) }
        if object["use_cache"]?.isNull == false { _ = try bool("use_cache") }
    }

    // MARK: Parts

    /// The number of members.
    var count: Int { object.count }

    /// The keys of all members.
    var keys: [String] { object.map(\.0) }

    /// A string that may be null.
    func optionalString(_ key: String) throws(ModelError) -> String? {
        object[key]?.isNull ?? true ? nil : try string(key)
    }

    /// Whether the key is there, whatever its value.
    func contains(_ key: String) -> Bool { object[key] != nil }

    /// A list of strings that may be null.
    func optionalStrings(_ key: String) throws(ModelError) -> [String]? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let list = value.arrayValue else { throw wrong(key, value, "a list of strings") }
        var strings: [String] = []
        for element in list {
            guard let string = element.stringValue else { throw wrong(key, value, "a list of strings") }
            strings.append(string)
        }
        return strings
    }

    /// An object that may be null.
    func optionalObject(_ key: String) throws(ModelError) -> ConfigurationFields? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let object = value.objectValue else { throw wrong(key, value, "an object") }
        return ConfigurationFields(object, path, prefix: "\(prefix)\(key).")
    }

    /// The first member that has another value in another object, if any; used for two objects with the same meaning.
    /// - Parameter keys: the members to compare; nil for all.
    func contradiction(with other: ConfigurationFields, keys: [String]? = nil) -> String? {
        for (key, value) in object where keys?.contains(key) ?? true {
            guard let second = other.object[key], second.canonical != value.canonical else { continue }
            // transformers writes some numbers as 8 in one place and as 8.0 in the other.
            if let number = value.doubleValue, number == second.doubleValue { continue }
            return
                "\(prefix)\(key) is \(value.shown) and \(other.prefix)\(key) is \(second.shown), which contradict each other"
        }
        return nil
    }
}
