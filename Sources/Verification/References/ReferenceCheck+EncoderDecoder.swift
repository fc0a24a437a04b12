import Files
import Interchange
import Models
import StrictJSON
import Tensors

extension ReferenceCheck {
    /// The reference of an encoder-decoder has `input_ids`, `attention_mask` (B, S), padded at their ends; `encoder_hidden`
    /// (B, S, C); `decoder_input_ids`, `labels` (B, T), -100 where no token is predicted; `logits` (B, T, V), and the loss,
    /// which is the mean over the labels. `generated` in `inputs.json` has the ids that beam search finds.
    func check(_ model: EncoderDecoder) throws -> [Difference] {
        let expected = try SafetensorsFile(path: path("expected.safetensors"))
        let sources = try PaddedBatch("input_ids", mask: "attention_mask", in: expected, model)
        let targets = try PaddedBatch("decoder_input_ids", mask: nil, in: expected, model)
        let labels = try expected.labels(count: targets.rows.count, below: model.vocabularySize)
        guard targets.tokens.batch == sources.tokens.batch else {
            throw ModelError(
                path: expected.path, reason: "input_ids and decoder_input_ids have different numbers of rows")
        }
        var hidden = LargestDifference("hidden", Tolerance.logits),
            logits = LargestDifference("logits", Tolerance.logits)
        if expected.contains("encoder_hidden") {
            try hidden.compare(
                model.hiddenVectors(sources.tokens).values.map(Double.init), "encoder_hidden", in: expected,
                rows: sources.rows, columns: model.configuration.width)
        }
        try logits.compare(
            model.logits(sources.tokens, targets.tokens).values.map(Double.init), "logits", in: expected,
            rows: targets.rows, columns: model.vocabularySize)
        let count = max(1, labels.count { $0 >= 0 })
        let total = model.loss(sources.tokens, targets.tokens, labels: labels, gradientScale: 1 / Float(count))
        var loss = LargestDifference("loss", Tolerance.loss)
        try loss.compare([total / Double(count)], "loss64", in: expected)
        return [hidden, logits, loss, try gradients(of: model, expected)].filter(\.hasCompared).map(\.difference)
            + [try generated(by: model, sources.tokens)].compactMap { $0 }
    }

    /// Compares what beam search finds: the difference is the number of rows that differ.
    private func generated(by model: EncoderDecoder, _ sources: TokenBatch) throws -> Difference? {
        guard Files.exists(path("inputs.json")) else { return nil }
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path("inputs.json"))) } catch let error as JSONError {
            throw ModelError(path: path("inputs.json"), reason: "not JSON: \(error)")
        }
        guard let searches = json["generated"]?.objectValue, searches.count > 0 else { return nil }
        var rows = LargestDifference("generated ids, rows that differ", 0)
        for (name, value) in searches {
            guard let settings = BeamSearchSettings(referenceName: name), let expected = value.arrayValue,
                expected.count == sources.batch
            else {
                throw ModelError(
                    path: path("inputs.json"), reason: "generated.\(name) is not a list of \(sources.batch) rows of ids"
                )
            }
            var different = 0
            for (row, ids) in expected.enumerated() {
                let ids = (ids.arrayValue ?? []).compactMap(\.intValue).map(Int32.init(clamping:))
                guard ids.count > 1 else {
                    throw ModelError(path: path("inputs.json"), reason: "generated.\(name) has a row without ids")
                }
                var settings = settings
                settings.maximumLength = ids.count - 1
                let source = Array(sources.ids[sources.rows(of: row)])
                let found = [model.configuration.startToken] + model.translate(source, settings: settings)
                // The ids are padded after the end.
                let end = ids.dropFirst().firstIndex(of: model.configuration.endToken) ?? ids.count - 1
                if found != Array(ids[...end]) { different += 1 }
            }
            rows.note(Double(different), name)
        }
        return rows.difference
    }
}

extension BeamSearchSettings {
    /// Settings by a name such as `beams4_penalty1.0`. With several beams the search stops early.
    fileprivate init?(referenceName name: String) {
        let parts = name.split(separator: "_")
        guard parts.count == 2, parts[0].hasPrefix("beams"), parts[1].hasPrefix("penalty"),
            let beams = Int(parts[0].dropFirst(5)), let penalty = Double(parts[1].dropFirst(7)), beams > 0
        else { return nil }
        self.init(beams: beams, lengthPenalty: penalty, stopsEarly: beams > 1, maximumLength: 1)
    }
}
