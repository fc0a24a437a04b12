@_exported import Interchange
@_exported import LanguageModels
@_exported import Layers
@_exported import Tensors
@_exported import Tokenizers
@_exported import Training
