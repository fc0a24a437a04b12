import Models
import Tensors
import Tokenizers

/// Encoded texts, or pairs of texts, as the batch that an encoder reads. They may have different lengths.
package struct SequenceBatch {
    /// The ids, one text after another.
    package let tokens: TokenBatch
    /// The type of each id.
    package let types: [Int32]

    package init(_ sequences: some Collection<TokenSequence>) {
        tokens = TokenBatch(sequences.map(\.ids))
        types = sequences.flatMap(\.typeIDs)
    }
}

extension Tokenizer {
    /// The ids of a text, or of two, for an encoder. A text that is longer than the context is truncated.
    /// - Throws: `TokenizerError`, or `SequenceError` for a sequence that the encoder cannot read.
    package func encodeSequence(
        _ text: String, pair: String?, for encoder: EncoderConfiguration
    ) throws -> TokenSequence {
        let sequence = try encodeSequence(text, pair: pair, maximumLength: encoder.contextLength)
        if sequence.count == 0 { throw SequenceError.empty }
        if let type = sequence.typeIDs.first(where: { $0 < 0 || $0 >= encoder.tokenTypes }) {
            throw SequenceError.unknownType(type, count: encoder.tokenTypes)
        }
        return sequence
    }
}

/// Why an encoder cannot read a text, in one line.
public enum SequenceError: Error, Equatable, CustomStringConvertible {
    /// A text without tokens, to which the tokenizer adds none.
    case empty
    /// A token of a type that the encoder does not have.
    case unknownType(Int32, count: Int)

    public var description: String {
        switch self {
        case .empty: "the text is empty, and the tokenizer of the model adds nothing to it; leave it out"
        case .unknownType(let type, let count):
            "the tokenizer gives a token the type \(type), and the model has \(count) "
                + "\(count == 1 ? "type" : "types"); give one text rather than a pair, or another model"
        }
    }
}
