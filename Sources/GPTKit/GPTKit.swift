@_exported import Corpus
@_exported import Inference
@_exported import Interchange
@_exported import Layers
@_exported import Models
@_exported import Tensors
@_exported import Tokenizers
@_exported import Training
