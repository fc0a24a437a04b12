import Interchange
import Models
import Tensors

extension ReferenceCheck {
    /// The reference of an encoder has `input_ids`, `attention_mask`, `token_type_ids` (B, T), padded at their ends;
    /// `hidden` (B, T, C); and for a classifier `labels` (B) and `logits` (B, labels), for a masked language model
    /// `labels` (B, T), -100 where no token is predicted, and `logits` (B, T, V). The loss is the mean over the labels.
    func check(_ model: Encoder) throws -> [Difference] {
        let expected = try SafetensorsFile(path: path("expected.safetensors"))
        let batch = try PaddedBatch("input_ids", mask: "attention_mask", in: expected, model)
        let types = try batch.values(of: "token_type_ids", in: expected, below: model.configuration.tokenTypes)
        var hidden = LargestDifference("hidden", Tolerance.logits),
            logits = LargestDifference("logits", Tolerance.logits)
        if expected.contains("hidden") {
            let width = model.configuration.width
            try hidden.compare(
                model.hiddenVectors(batch.tokens, types: types).values.map(Double.init), "hidden", in: expected,
                rows: batch.rows, columns: width)
        }
        let total: Double, count: Int
        switch model.configuration.head {
        case .none: return [hidden.difference]
        case .classifier:
            try logits.compare(model.classify(batch.tokens, types: types), "logits", in: expected)
            let labels = try expected.labels(count: batch.tokens.batch, below: model.configuration.labels.count)
            count = labels.count { $0 >= 0 }
            total = model.loss(batch.tokens, types: types, labels: labels, gradientScale: 1 / Float(max(1, count)))
        case .maskedTokens:
            let labels = try expected.labels(
                count: expected.shape("input_ids").reduce(1, *), below: model.vocabularySize)
            let all = model.predict(batch.tokens, types: types, rows: Array(0..<Int32(batch.rows.count)))
            try logits.compare(
                all.values.map(Double.init), "logits", in: expected, rows: batch.rows, columns: model.vocabularySize)
            let predicted = batch.rows.enumerated().filter { labels[$0.element] >= 0 }
            count = predicted.count
            total = model.loss(
                batch.tokens, types: types, rows: predicted.map { Int32($0.offset) },
                targets: predicted.map { labels[$0.element] }, gradientScale: 1 / Float(max(1, count)))
        }
        var loss = LargestDifference("loss", Tolerance.loss)
        try loss.compare([total / Double(max(1, count))], "loss64", in: expected)
        return [hidden, logits, loss, try gradients(of: model, expected)].filter(\.hasCompared).map(\.difference)
    }
}
