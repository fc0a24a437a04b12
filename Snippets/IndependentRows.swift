//! Changes one text of a batch, and shows that nothing changes for the others.

import GPTKit

// snippet.batch
let encoder = Encoder(
    EncoderConfiguration(
        vocabularySize: 100, contextLength: 8, layers: 2, heads: 2, width: 16,
        head: .classifier(labels: ["no", "yes"])), seed: 1)
let texts: [[Int32]] = [[1, 17, 4, 2], [1, 50, 2], [1, 8, 23, 42, 9, 2]]  // ids, of different lengths
let before = encoder.classify(TokenBatch(texts)).values  // (B, labels) = (3, 2)
// snippet.end

// snippet.change
var changed = texts
changed[1] = [1, 99, 98, 97, 96, 2]
let after = encoder.classify(TokenBatch(changed)).values
for row in 0..<3 {
    let isSame = before[2 * row..<2 * row + 2] == after[2 * row..<2 * row + 2]
    print("row \(row): \(isSame ? "the same bits" : "changed")")  // only row 1 has changed
}
// snippet.end
