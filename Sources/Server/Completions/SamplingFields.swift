import Models
import StrictJSON

/// The fields that completions and chat completions have in common.
///
/// Source: OpenAI's API reference, "Create completion" and "Create chat completion". `top_k`, `min_p`, `repetition_penalty` and
/// `return_token_ids` are those of vLLM.
struct SamplingFields {
    var settings: GenerationSettings
    var stops: [String]
    /// The number of choices for each prompt.
    var choices: Int
    var isStreamed: Bool
    /// Whether the last chunk of a stream reports the number of tokens.
    var reportsUsage: Bool
    /// Whether ids are part of the log probabilities.
    var returnsTokenIDs: Bool

    /// The greatest number of tokens of a text.
    static let greatestLength = 1 << 20
    /// The most choices for all prompts of a request, and the most stop strings.
    static let mostChoices = 128
    private static let mostStops = 16

    /// Fields that have no effect on what a model generates.
    private static let ignored = ["user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"]

    init(_ fields: inout RequestFields, vocabularySize: Int) throws(APIError) {
        settings = GenerationSettings(
            temperature: try fields.number("temperature") ?? 1, topP: try fields.number("top_p") ?? 1,
            minP: try fields.number("min_p") ?? 0, repetitionPenalty: try fields.number("repetition_penalty") ?? 1,
            seed: try fields.integer("seed").map { UInt64(bitPattern: Int64($0)) } ?? .random(in: .min ... .max))
        // 0 and -1 are other programs' way to write that there is no limit.
        settings.topK = try fields.integer("top_k", in: -1 ... .max).flatMap { $0 > 0 ? $0 : nil }
        settings.logitBias = try Self.logitBias(&fields, vocabularySize: vocabularySize)
        stops = try Self.stops(&fields)
        choices = try fields.integer("n", in: 1...Self.mostChoices) ?? 1
        isStreamed = try fields.bool("stream") ?? false
        reportsUsage = false
        returnsTokenIDs = try fields.bool("return_token_ids") ?? false
        if let options = fields.value("stream_options") {
            guard let object = options.objectValue else { throw fields.wrong("stream_options", options, "an object") }
            if !isStreamed {
                throw APIError(
                    400, "'stream_options' has no effect without 'stream': true; remove it", parameter: "stream_options"
                )
            }
            var options = RequestFields(object)
            reportsUsage = try options.bool("include_usage") ?? false
            options.ignore("include_obfuscation")
            try options.requireKnown()
        }
        for name in ["frequency_penalty", "presence_penalty"] {
            try fields.accept(name, only: { $0.doubleValue == 0 }, "use 'repetition_penalty'")
        }
        for name in Self.ignored { fields.ignore(name) }
        do { try settings.validate() } catch { throw APIError(error) }
    }

    private static func stops(_ fields: inout RequestFields) throws(APIError) -> [String] {
        guard let value = fields.value("stop") else { return [] }
        let strings = value.stringValue.map { [$0] } ?? value.arrayValue?.compactMap(\.stringValue) ?? []
        guard value.stringValue != nil || strings.count == value.arrayValue?.count else {
            throw fields.wrong("stop", value, "a string, or a list of strings")
        }
        guard strings.count <= mostStops else {
            throw APIError(
                400, "'stop' has \(strings.count) strings; it must have at most \(mostStops)", parameter: "stop")
        }
        guard !strings.contains("") else {
            throw APIError(400, "a string of 'stop' is empty; give it at least one character", parameter: "stop")
        }
        return strings
    }

    private static func logitBias(
        _ fields: inout RequestFields, vocabularySize: Int
    ) throws(APIError) -> [Int32: Double] {
        guard let value = fields.value("logit_bias") else { return [:] }
        guard let object = value.objectValue else {
            throw fields.wrong("logit_bias", value, "an object of token ids and numbers")
        }
        var biases: [Int32: Double] = [:]
        for (key, value) in object {
            guard let id = Int32(key), 0..<vocabularySize ~= Int(id) else {
                throw APIError(
                    400,
                    "'logit_bias' has the key '\(RequestFields.shown(key))'; a key must be a token id from 0 to \(vocabularySize - 1)",
                    parameter: "logit_bias")
            }
            guard let bias = value.doubleValue, -100...100 ~= bias else {
                throw APIError(
                    400, "'logit_bias' of token \(id) must be a number from -100 to 100", parameter: "logit_bias")
            }
            biases[id] = bias
        }
        return biases
    }
}
