import Layers
import Tensors

extension Encoder {
    /// An encoder with the weights of this one and another head. Weights that both heads have are kept; others are new. So a
    /// classifier can start from a masked language model or from a published BERT.
    /// - Parameters:
    ///   - head: the new head. If it is the head that the encoder has, the result is this encoder.
    ///   - seed: the seed of new weights.
    public func replacingHead(_ head: EncoderConfiguration.Head, seed: UInt64) -> Encoder {
        if head == configuration.head { return self }
        var changed = configuration
        changed.head = head
        let encoder = Encoder(changed, seed: seed)
        // A model without a head has names without a prefix.
        func bare(_ name: String) -> Substring { name.hasPrefix("bert.") ? name.dropFirst(5) : name[...] }
        let own = Dictionary(uniqueKeysWithValues: parameters.map { (bare($0.name), $0.parameter) })
        for named in encoder.parameters where !named.name.hasPrefix(ParameterNames.bert.classifier) {
            guard let parameter = own[bare(named.name)] else { continue }
            named.parameter.value.withElements { new in
                parameter.value.withElements { old in _ = new.update(fromContentsOf: old) }
            }
            named.parameter.didChange()
        }
        return encoder
    }
}
