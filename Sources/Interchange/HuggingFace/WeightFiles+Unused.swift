import Layers
import Models
import Platform

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
        guard case .transformer(let configuration) = model, let file = file(of: name) else { return unknown(name) }
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
