import Layers
import Models
import Tensors

extension WeightFiles: ParameterSource {
    /// A tensor that is copied into a parameter.
    struct Copy: Sendable {
        let file: SafetensorsFile
        let name: String
        let target: Tensor
    }

    var elementCount: Int {
        names.reduce(0) { total, name in total + ((try? file(of: name)?.entry(name).count) ?? 0) }
    }

    func shortage(stored: Int, parameters: Int) -> String {
        "its files contain \(stored) numbers and config.json describes a model with \(parameters) parameters; one of "
            + "them is altered or truncated"
    }

    func tensor(for named: NamedParameter) throws -> StoredTensor<Copy> {
        // GPT-2's published names lack the prefix that transformers adds, and so do those of a model that was saved without
        // its classifier.
        let bare = ["transformer.", "model."].filter(named.name.hasPrefix).map {
            String(named.name.dropFirst($0.count))
        }
        guard let name = ([named.name] + bare).first(where: { file(of: $0) != nil }), let file = file(of: name) else {
            throw ModelError(path: path, reason: "the tensor \(named.name) is missing")
        }
        let entry = try file.entry(name), target = named.parameter.value
        guard entry.shape == target.shape.dimensions else {
            throw ModelError(
                path: path,
                reason:
                    "the tensor \(name) has the shape \(Shape(entry.shape)), and config.json requires \(target.shape)"
            )
        }
        let storage = entry.dtype == .float32 ? file.file.floatsInPlace(entry.range) : nil
        return StoredTensor(name: name, storage: storage) { Copy(file: file, name: name, target: target) }
    }

    func objection(toUnused name: String) -> String? {
        // Masks and frequencies that old versions stored, and a second copy of a tied classifier.
        let harmless = [".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq", "lm_head.weight"]
        if harmless.contains(where: name.hasSuffix) { return nil }
        return "the tensor \(name) is not part of the model that config.json describes"
    }
}
