import Tensors

/// A part of a model that has parameters.
public protocol Module {
    /// The parameters by name, in a fixed order. The names are the keys of a checkpoint, so they are stated explicitly,
    /// in the usual terms. A module prefixes the names of its parts with `prefixed(by:)`.
    var parameters: [NamedParameter] { get }
}

/// A parameter and its name in a checkpoint.
public struct NamedParameter {
    public let name: String
    public let parameter: Parameter

    public init(_ name: String, _ parameter: Parameter) {
        self.name = name
        self.parameter = parameter
    }
}

extension Module {
    /// The names of this part's parameters within a larger one: `weight` becomes `prefix.weight`. An empty prefix changes
    /// nothing.
    public func prefixed(by prefix: String) -> [NamedParameter] {
        prefix.isEmpty ? parameters : parameters.map { NamedParameter("\(prefix).\($0.name)", $0.parameter) }
    }
}
