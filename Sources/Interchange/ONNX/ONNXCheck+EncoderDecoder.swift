import Layers
import Models
import Tensors

extension ONNXCheck {
    /// The check of the three graphs of an encoder-decoder, which run as in a translation: the encoder once, the decoder for the
    /// first token, and then for each further token with the keys and values of those before.
    /// - Returns: the largest difference of a number.
    /// - Throws: `ONNXInterpreter.Failure` if anything differs by more than rounding.
    static func compare(
        encoder: ONNXInterpreter, decoder: ONNXInterpreter, decoderWithPast: ONNXInterpreter, _ model: EncoderDecoder
    ) throws -> Float {
        let context = model.configuration.contextLength, V = model.vocabularySize
        let batch = PaddedTokens(lengths: [5, 2, 7].map { min($0, context) }, vocabularySize: V)
        let (B, S, length) = (batch.tokens.batch, batch.tokens.length, min(4, context))
        let memory = try encoder.run(["input_ids": batch.padded(batch.tokens.ids), "attention_mask": batch.mask])
        var largest = try difference(
            encoder, memory, "last_hidden_state", model.hiddenVectors(batch.tokens), batch)
        let hidden = try encoder.floats("last_hidden_state", in: memory, shape: [B, S, model.configuration.width])

        // Targets of the same length, in a batch of sequences as the sources are.
        let targets = PaddedTokens(lengths: [Int](repeating: length, count: B), vocabularySize: V).tokens
        let expected = model.logits(batch.tokens, targets).values  // (1, B length, V)
        var past: [String: ONNXInterpreter.Array] = [:]
        for position in 0..<length {
            let ids = (0..<B).map { Int(targets.ids[$0 * length + position]) }
            var inputs = past
            inputs["input_ids"] = .integers(ids, shape: [B, 1])
            inputs["encoder_attention_mask"] = batch.mask
            if position == 0 { inputs["encoder_hidden_states"] = .floats(hidden) }
            let graph = position == 0 ? decoder : decoderWithPast, outputs = try graph.run(inputs)
            let logits = try graph.floats("logits", in: outputs, shape: [B, 1, V])
            var own: [Float] = []
            for b in 0..<B {
                let start = (b * length + position) * V
                own += expected[start..<start + V]
            }
            largest = max(largest, try difference(logits, Tensor([B, 1, V], own), "logits of token \(position)"))
            for (name, array) in outputs where name.hasPrefix("present.") {
                past["past_key_values." + name.dropFirst("present.".count)] = array
            }
        }
        return largest
    }
}
