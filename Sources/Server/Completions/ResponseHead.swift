import StrictJSON

/// The members that all objects of a response have in common, whole or in chunks.
struct ResponseHead: Sendable {
    let id: String
    /// The time in seconds since 1970.
    let created: Int
    /// The id of the model.
    let model: String
    /// The instruction set and number format (`API.fingerprint`).
    let fingerprint: String

    /// An object of a response.
    /// - Parameters:
    ///   - kind: the member `object`, such as "chat.completion".
    ///   - choices: the choices.
    ///   - usage: the number of tokens; nil for an object without the member.
    func object(_ kind: String, _ choices: [JSON], usage: JSON?) -> JSON {
        var members: [(String, JSON)] = [
            ("id", .string(id)), ("object", .string(kind)), ("created", .int(created)), ("model", .string(model)),
            ("system_fingerprint", .string(fingerprint)), ("choices", .array(choices)),
        ]
        if let usage { members.append(("usage", usage)) }
        return .object(JSONObject(members))
    }
}

extension API {
    /// The head of a new response.
    /// - Parameters:
    ///   - prefix: the beginning of its id.
    ///   - model: the model.
    func head(_ prefix: String, of model: ServedLanguageModel) -> ResponseHead {
        ResponseHead(id: identifier(prefix), created: now(), model: model.id, fingerprint: fingerprint)
    }
}
