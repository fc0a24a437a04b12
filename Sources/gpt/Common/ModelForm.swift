import GPTKit

/// The kind of a model and its sizes, in words.
func form(of model: ModelSpecification) -> String {
    switch model {
    case .transformer(let c):
        "gpt (\(c.family?.rawValue ?? "custom")), \(counted(c.layers, "layer")), \(counted(c.heads, "head")), "
            + "width \(c.width), context \(c.contextLength)"
    case .attention(let c): "one attention head, width \(c.width), context \(c.contextLength)"
    case .bigram: "bigram table"
    case .encoderDecoder(let c):
        "encoder-decoder, \(c.encoder.layers) and \(counted(c.decoder.layers, "layer")), width \(c.width), context "
            + "\(c.contextLength)"
    case .encoder(let c):
        "encoder, \(counted(c.layers, "layer")), \(counted(c.heads, "head")), width \(c.width), context \(c.contextLength)"
    case .ngram(let c): "n-gram counts of order \(c.order)"
    }
}
