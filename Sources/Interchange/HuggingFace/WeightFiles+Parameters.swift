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
        guard let name = Self.storedNames(of: named.name).first(where: { file(of: $0) != nil }),
            let file = file(of: name)
        else {
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

    /// The names that a parameter may have in a file, its own first.
    ///
    /// GPT-2's published names lack the prefix that transformers adds, and so do those of a model that was saved without its
    /// classifier. `torch.compile` and `DataParallel` put a name before all those of the module that they wrap.
    static func storedNames(of name: String) -> [String] {
        let bare = ["transformer.", "model."].filter(name.hasPrefix).map { String(name.dropFirst($0.count)) }
        return ["", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."].flatMap { wrapper in
            ([name] + bare).map { wrapper + $0 }
        }
    }

    func objection(toUnused name: String) -> String? {
        // Masks and frequencies that old versions stored, and a second copy of a tied classifier.
        let harmless = [".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq", "lm_head.weight"]
        if harmless.contains(where: name.hasSuffix) { return nil }
        return "the tensor \(name) is not part of the model that config.json describes"
    }
}
