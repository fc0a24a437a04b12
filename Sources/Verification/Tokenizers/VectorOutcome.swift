import Tokenizers

/// The result of comparing a test vector.
package enum VectorOutcome {
    case passed
    /// What differs.
    case failed(String)
    case skipped(SkipReason)

    /// Why a vector cannot be checked here. What is there but cannot be used is a failure instead.
    package enum SkipReason: Error, Equatable, CustomStringConvertible {
        /// The vector is for an encoding that is not known.
        case unknownEncoding(String)
        /// The files of a published vocabulary are missing.
        case noVocabulary(String)
        /// The vector names no encoding, and the tokenizer of such vectors is missing: no file has this path.
        case noTokenizer(String)
        /// The text that merges were learnt from is missing.
        case noTrainingText
        /// The merges are of a trainer that is not known.
        case unknownTrainer(String)
        /// The tokenizer cannot refuse invalid ids.
        case noStrictDecoding

        package var description: String {
            switch self {
            case .unknownEncoding(let name): "unknown encoding \(name)"
            case .noVocabulary(let name): "the vocabulary \(name) is missing"
            case .noTokenizer(let path): "the line names no encoding, and there is no \(path)"
            case .noTrainingText: "the training text is missing"
            case .unknownTrainer(let name):
                "unknown trainer \(name); known are "
                    + BPETrainer.Convention.allCases.map(\.rawValue).joined(separator: ", ")
            case .noStrictDecoding: "only BPE tokenizers are checked for strict decoding"
            }
        }
    }
}
