import Layers

/// What all models have in common, whatever they compute.
public protocol Model: AnyObject {
    /// What the model is; nil for a model of another module, which has no form on disk.
    var specification: ModelSpecification? { get }
    /// The model by its form, for code that treats counts unlike weights.
    var form: ModelForm { get }
    /// V: ids are 0 ..< V.
    var vocabularySize: Int { get }
    /// The longest sequence, or nil if there is no limit.
    var contextLength: Int? { get }
    /// Numbers that training sets; tied weights count once.
    var parameterCount: Int { get }
}

/// A model with parameters, which gradient descent trains.
public protocol TrainableModel: Model, Module {}

/// The forms of models.
public enum ModelForm {
    /// A language model with parameters.
    case neural(any NeuralLanguageModel)
    /// An encoder.
    case encoder(Encoder)
    /// An encoder-decoder.
    case encoderDecoder(EncoderDecoder)
    /// Counts in place of parameters.
    case counted(NGramModel)
    /// A model of another module.
    case other
}

extension Model {
    /// What kind of model it is, as `model_type` in its config.json.
    public var modelType: String { specification?.modelType ?? "custom" }

    public var form: ModelForm { .other }

    /// The model itself, if it has parameters.
    public var trainable: (any TrainableModel)? {
        switch form {
        case .neural(let model): model
        case .encoder(let model): model
        case .encoderDecoder(let model): model
        case .counted, .other: nil
        }
    }

    /// The model itself, if it is an encoder.
    public var encoder: Encoder? { if case .encoder(let model) = form { model } else { nil } }

    /// The model itself, if it is an encoder-decoder.
    public var encoderDecoder: EncoderDecoder? { if case .encoderDecoder(let model) = form { model } else { nil } }

    /// The model itself, if it is a language model with parameters.
    public var neural: (any NeuralLanguageModel)? { if case .neural(let model) = form { model } else { nil } }
}
