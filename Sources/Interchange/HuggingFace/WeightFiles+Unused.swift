import Layers
import Models
import Platform
import Tensors

// Tensors that no parameter is read from. Nothing that a file contains is ignored unread: such a tensor is equal to what is
// computed without it, or it is an error.
extension WeightFiles {
    /// Whether the files have a classifier that differs from the token embedding, although config.json ties the two. Then it is
    /// the classifier, as in transformers.
    func hasOwnClassifier(_ configuration: TransformerConfiguration) throws -> Bool {
        guard configuration.tiesEmbeddings else { return false }
        let names = configuration.parameterNames
        guard let classifier = storedName(of: names.classifier + ".weight"),
            let embedding = storedName(of: names.tokenEmbedding + ".weight"),
            let first = file(of: classifier), let second = file(of: embedding)
        else { return false }
        let entries = (try first.entry(classifier), try second.entry(embedding))
        guard entries.0.shape == entries.1.shape else { return true }
        if entries.0.dtype == entries.1.dtype {
            return try first.withBytes(classifier) { left in
                try second.withBytes(embedding) { right in
                    guard let left = left.baseAddress, let right = right.baseAddress else { return false }
                    return memcmp(left, right, entries.0.range.count) != 0
                }
            }
        }
        return try first.floats(classifier) != second.floats(embedding)
    }

    func objection(toUnused name: String, of model: ModelSpecification) throws -> String? {
        guard let file = file(of: name) else { return unknown(name) }
        if case .encoder(let configuration) = model {
            return try objection(toUnused: name, in: file, of: configuration)
        }
        if case .encoderDecoder(let configuration) = model {
            return try objection(toUnused: name, in: file, of: configuration)
        }
        guard case .transformer(let configuration) = model else { return unknown(name) }
        let entry = try file.entry(name)
        if name == storedName(of: configuration.parameterNames.classifier + ".weight") {
            // `hasOwnClassifier` has compared it with the embedding.
            return configuration.tiesEmbeddings ? nil : unknown(name)
        }
        if name.hasSuffix(".attn.bias") {
            return try isCausalMask(name, entry, in: file)
                ? nil : "the tensor \(name) is not the causal mask of GPT-2, and other masks are not supported"
        }
        if name.hasSuffix(".attn.masked_bias") {
            // The score of masked positions, which the softmax turns into 0.
            let value = entry.count == 1 ? try file.doubles(name)[0] : 0
            return value <= -1e4 ? nil : "the tensor \(name) is not a single number below -10000"
        }
        if name.hasSuffix(".rotary_emb.inv_freq"), case .rotary(let frequencies) = configuration.positions {
            let stored = try file.doubles(name)
            // Versions of transformers differ in whether they store the scaled frequencies.
            for expected in [frequencies, RotaryFrequencies(base: frequencies.base)] {
                let values = expected.values(headSize: configuration.headSize)
                let tolerance = entry.dtype == .float32 || entry.dtype == .float64 ? 1e-5 : 1e-2
                if stored.count == values.count, zip(stored, values).allSatisfy({ abs($0 - $1) <= tolerance * $1 }) {
                    return nil
                }
            }
            return "the frequencies in the tensor \(name) are not those that config.json describes"
        }
        return unknown(name)
    }

    /// The same for an encoder, whose files may have its tied weights twice and the positions as numbers.
    private func objection(
        toUnused name: String, in file: SafetensorsFile, of configuration: EncoderConfiguration
    ) throws -> String? {
        if name.hasSuffix("embeddings.position_ids") {
            return try file.integers(name).enumerated().allSatisfy { $0.offset == $0.element }
                ? nil : "the tensor \(name) does not contain the positions in ascending order"
        }
        // Published masked language models also have what the next-sentence task of their pre-training needed.
        let others = ["bert.pooler.dense.", "cls.seq_relationship."]
        if configuration.head == .maskedTokens, others.contains(where: name.contains) { return nil }
        for (copy, original) in [
            ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
            ("cls.predictions.decoder.bias", "cls.predictions.bias"),
        ] where name.hasSuffix(copy) && configuration.head == .maskedTokens {
            guard let original = storedName(of: original), let other = self.file(of: original) else { break }
            return try file.floats(name) == other.floats(original)
                ? nil : "the tensor \(name) differs from \(original), and config.json says that they are the same"
        }
        return unknown(name)
    }

    /// The same for an encoder-decoder, whose files may have the embedding several times, and the sinusoids of positions.
    private func objection(
        toUnused name: String, in file: SafetensorsFile, of configuration: EncoderDecoderConfiguration
    ) throws -> String? {
        if name.hasSuffix("embed_positions.weight") {
            let C = configuration.width
            let table = AngleTable(.sinesFirst, width: C, frequencies: AngleTable.frequencies(width: C, base: 10_000))
            let values = try file.floats(name)
            let isTable = values.enumerated().allSatisfy { i, value in
                i % C != 0
                    || zip(table.values(at: i / C), values[i..<min(i + C, values.count)])
                        .allSatisfy { abs($0 - Double($1)) < 1e-4 }
            }
            return isTable && values.count % C == 0
                ? nil : "the tensor \(name) does not contain the sinusoids of Marian"
        }
        let copies = ["lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]
        guard copies.contains(where: name.hasSuffix), let original = storedName(of: "model.shared.weight"),
            let other = self.file(of: original)
        else { return unknown(name) }
        return try file.floats(name) == other.floats(original)
            ? nil : "the tensor \(name) differs from \(original), and config.json says that they are the same"
    }

    private func unknown(_ name: String) -> String {
        "the tensor \(name) is not part of the model that config.json describes"
    }

    /// Whether a tensor (..., n, n) is 1 on and below the diagonal, and 0 above.
    private func isCausalMask(_ name: String, _ entry: SafetensorsFile.Entry, in file: SafetensorsFile) throws -> Bool {
        guard let n = entry.shape.last, entry.shape.dropLast().last == n, entry.count == n * n else { return false }
        let values =
            switch entry.dtype {
            case .float64, .float32, .float16, .bfloat16: try file.floats(name)
            default: try file.integers(name).map { Float($0) }
            }
        for row in 0..<n {
            for column in 0..<n where values[row * n + column] != (column <= row ? 1 : 0) { return false }
        }
        return true
    }
}
