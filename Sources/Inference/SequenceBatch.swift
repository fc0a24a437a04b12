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
