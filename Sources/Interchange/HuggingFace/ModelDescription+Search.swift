import Models
import StrictJSON

extension ModelDescription {
    /// How the files of an encoder-decoder say that targets are searched: `generation_config.json`, or `config.json` if that is
    /// missing, as in transformers. Members for sampling are ignored, because a target is searched and not drawn.
    ///
    /// `max_length` includes the token before a target, `max_new_tokens` does not. Without either, a target may be as long as the
    /// context.
    /// - Parameters:
    ///   - configuration: the model.
    ///   - directory: its directory, for errors.
    /// - Throws: a member that is not valid, or that changes which targets are found and is not supported.
    package func searchSettings(
        of configuration: EncoderDecoderConfiguration, in directory: String
    ) throws -> BeamSearchSettings {
        var settings = BeamSearchSettings(maximumLength: configuration.contextLength)
        let name = members?[Self.generationFile] == nil ? ModelSpecification.configurationFile : Self.generationFile
        guard let object = members?[name] else { return settings }
        let fields = try ConfigurationFields(.object(object), "\(directory)/\(name)")
        try Self.requireDefaults(fields)
        settings.beams = try fields.optionalSize("num_beams", limit: 1 << 10) ?? 1
        settings.lengthPenalty = try fields.optionalNumber("length_penalty") ?? 1
        if fields.contains("early_stopping"), !(object["early_stopping"]?.isNull ?? true) {
            if object["early_stopping"] == "never" {
                throw fields.failure("early_stopping = \"never\" is not supported; use true or false")
            }
            settings.stopsEarly = try fields.bool("early_stopping") ?? false
        }
        if !(object["renormalize_logits"]?.isNull ?? true) {
            settings.renormalizes = try fields.bool("renormalize_logits") ?? false
        }
        if let length = try fields.optionalSize("max_new_tokens", limit: .max) {
            settings.maximumLength = min(length, configuration.contextLength)
        } else if let length = try fields.optionalSize("max_length", limit: .max) {
            settings.maximumLength = min(max(1, length - 1), configuration.contextLength)
        }
        let forced = try fields.tokenIDs("forced_eos_token_id")
        settings.forcesEnd = !forced.isEmpty
        for (key, ids, expected) in [
            ("forced_eos_token_id", forced, configuration.endToken),
            ("decoder_start_token_id", try fields.tokenIDs("decoder_start_token_id"), configuration.startToken),
            ("eos_token_id", try fields.tokenIDs("eos_token_id"), configuration.endToken),
        ] where !ids.isEmpty && ids != [expected] {
            throw fields.failure(
                "\(key) is \(ids.map(String.init).joined(separator: ", ")), and that of the model is \(expected); other or "
                    + "several tokens are not supported")
        }
        return settings
    }

    /// Throws for members that change which targets are found and are not supported, unless they have no effect.
    private static func requireDefaults(_ fields: ConfigurationFields) throws(ModelError) {
        for (key, value) in [
            ("no_repeat_ngram_size", 0), ("encoder_no_repeat_ngram_size", 0), ("min_length", 0), ("min_new_tokens", 0),
            ("repetition_penalty", 1), ("encoder_repetition_penalty", 1), ("num_beam_groups", 1),
            ("diversity_penalty", 0),
        ] as [(String, Double)] {
            guard let number = try fields.optionalNumber(key), number != value else { continue }
            throw fields.failure("\(key) = \(number.shortest) is not supported")
        }
        for key in ["forced_bos_token_id", "begin_suppress_tokens"] where try !fields.tokenIDs(key).isEmpty {
            throw fields.failure("\(key) is not supported")
        }
    }
}

extension Double {
    /// Whole numbers without a decimal point.
    fileprivate var shortest: String { self == rounded() && magnitude < 1e9 ? "\(Int(self))" : "\(self)" }
}
