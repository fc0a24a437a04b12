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
        "its files contain \(stored) numbers and config.json describes a model with \(parameters) parameters: they do not "
            + "belong together"
    }

    func storedName(of parameter: String, in model: ModelSpecification) -> String? { storedName(of: parameter) }

    /// The name of the stored tensor of a parameter; nil if there is none.
    func storedName(of parameter: String) -> String? { Self.names(of: parameter).first { file(of: $0) != nil } }

    func tensor(_ name: String, for named: NamedParameter) throws -> StoredTensor<Copy> {
        guard let file = file(of: name) else { preconditionFailure("a stored tensor") }
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
    ///
    /// BERT's published norms have the names of TensorFlow.
    static func names(of parameter: String) -> [String] {
        var bare = ["transformer.", "model."].filter(parameter.hasPrefix).map { String(parameter.dropFirst($0.count)) }
        for (name, former) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]
        where parameter.hasSuffix(name) {
            bare.append(String(parameter.dropLast(name.count)) + former)
        }
        return ["", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."].flatMap { wrapper in
            ([parameter] + bare).map { wrapper + $0 }
        }
    }
}
