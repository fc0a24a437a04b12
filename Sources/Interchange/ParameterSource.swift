import Files
import Layers
import Models
import Tensors

/// The files of a model in some format, from which its parameters are read.
protocol ParameterSource {
    /// What is needed to copy a stored tensor into a parameter.
    associatedtype Copy

    /// The path that errors name.
    var path: String { get }

    /// The names of the stored tensors.
    var names: [String] { get }

    /// The number of elements of all stored tensors.
    var elementCount: Int { get throws }

    /// What the files say about the model's size, for the error if they have fewer elements than the model has parameters.
    func shortage(stored: Int, parameters: Int) -> String

    /// The name of the stored tensor of a parameter of a model; nil if there is none.
    func storedName(of parameter: String, in model: ModelSpecification) -> String?

    /// A stored tensor, for a parameter.
    /// - Throws: if its shape is not the parameter's.
    func tensor(_ name: String, for parameter: NamedParameter) throws -> StoredTensor<Copy>

    /// Why a stored tensor that no parameter is read from is an error; nil if it says nothing beyond the model's description.
    func objection(toUnused name: String, of model: ModelSpecification) throws -> String?
}

/// A stored tensor that a parameter is read from.
struct StoredTensor<Copy> {
    let name: String

    /// Its numbers in the memory of the file, if they can be used there.
    let storage: Storage?

    /// How it is copied if they cannot.
    let copy: () -> Copy
}

extension ParameterSource {
    /// Throws if the files have fewer elements than the model has parameters, or if memory cannot hold these. Called before
    /// any memory is allocated for them.
    func checkSize(of model: ModelSpecification) throws {
        guard let parameters = model.parameterCount else { return }
        let stored = try elementCount
        guard stored >= parameters else {
            // Which tensors are missing says more than how many numbers.
            try requireTensors(of: model.namesOfParameters, model)
            throw ModelError(path: path, reason: shortage(stored: stored, parameters: parameters))
        }
        let (bytes, overflows) = parameters.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        try Files.requireMemory(overflows ? .max : bytes, "cannot read", path, "its \(parameters) weights take")
    }

    /// Throws if a parameter has no stored tensor.
    private func requireTensors(of parameters: [String], _ model: ModelSpecification) throws {
        let missing = parameters.filter { storedName(of: $0, in: model) == nil }
        guard let first = missing.first else { return }
        let others =
            switch missing.count {
            case 1: " is"
            case 2: " and another one are"
            default: " and \(missing.count - 1) others are"
            }
        throw ModelError(
            path: path,
            reason:
                "the tensor \(first)\(others) missing, so this is not a whole model; restore or download its files again"
        )
    }

    /// Assigns to each parameter the stored tensor in the memory of its file, if it can be used there.
    /// - Returns: the copies that have to be made for the other parameters.
    /// - Throws: if a parameter has no stored tensor of its shape, or if a stored tensor belongs to no parameter.
    func assign(to model: some TrainableModel, _ specification: ModelSpecification) throws -> [Copy] {
        try requireTensors(of: model.parameters.map(\.name), specification)
        var copies: [Copy] = []
        var unused = Set(names)
        for named in model.parameters {
            guard let name = storedName(of: named.name, in: specification) else { continue }
            let tensor = try tensor(name, for: named)
            unused.remove(tensor.name)
            if let storage = tensor.storage {
                named.parameter.adopt(Tensor(shape: named.parameter.value.shape, storage: storage))
            } else {
                copies.append(tensor.copy())
            }
        }
        for name in unused.sorted() {
            if let reason = try objection(toUnused: name, of: specification) {
                throw ModelError(path: path, reason: reason)
            }
        }
        return copies
    }
}

extension MappedFile {
    /// The 32-bit floats in a range of the file, used in its memory; nil unless they begin at a cache line.
    func floatsInPlace(_ range: Range<Int>) -> Storage? {
        guard !range.isEmpty,
            let start = bytes.baseAddress.map({ UnsafeMutableRawPointer(mutating: $0) + range.lowerBound }),
            Int(bitPattern: start) % 64 == 0
        else { return nil }
        let count = range.count / MemoryLayout<Float>.size
        return Storage(start.bindMemory(to: Float.self, capacity: count), of: self)
    }
}
