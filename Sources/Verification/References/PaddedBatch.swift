import Interchange
import Models
import Tensors

/// The sequences of a reference's padded batch, without the padding.
struct PaddedBatch {
    let tokens: TokenBatch
    /// The row of each token in the padded batch.
    let rows: [Int]

    /// - Parameters:
    ///   - name: the tensor of ids (B, T).
    ///   - mask: a tensor of the same shape, 0 for padding; nil if there is no padding.
    ///   - file: the file.
    ///   - model: the model, whose vocabulary has the ids.
    init(_ name: String, mask: String?, in file: SafetensorsFile, _ model: any Model) throws {
        func failure(_ reason: String) -> ModelError { ModelError(path: file.path, reason: reason) }
        let shape = try file.shape(name), ids = try file.integers(name)
        guard shape.count == 2, shape[0] > 0, shape[1] > 0 else { throw failure("\(name) is not a batch of sequences") }
        let (B, T) = (shape[0], shape[1])
        let mask = try mask.map { try file.integers($0) } ?? ids.map { _ in 1 }
        guard mask.count == ids.count else { throw failure("\(name) and its mask have different shapes") }
        let lengths = (0..<B).map { mask[$0 * T..<($0 + 1) * T].count { $0 != 0 } }
        let isPaddedAtEnds = (0..<B).allSatisfy { b in mask[b * T..<b * T + lengths[b]].allSatisfy { $0 != 0 } }
        guard isPaddedAtEnds, lengths.allSatisfy({ $0 > 0 && $0 <= model.contextLength ?? .max }) else {
            throw failure("\(name) does not contain sequences of the model that are padded at their ends")
        }
        rows = (0..<B).flatMap { b in b * T..<b * T + lengths[b] }
        let own = rows.map { Int32(clamping: ids[$0]) }
        guard own.allSatisfy({ $0 >= 0 && $0 < model.vocabularySize }) else {
            throw failure("\(name) has ids outside the vocabulary of the model")
        }
        tokens = TokenBatch(SequenceLengths(lengths), ids: own)
    }

    /// The values of another tensor of the same shape at the tokens; nil if the file does not have it.
    /// - Parameter limit: the upper bound of the values, which is not included.
    func values(of name: String, in file: SafetensorsFile, below limit: Int) throws -> [Int32]? {
        guard file.contains(name) else { return nil }
        let all = try file.integers(name)
        guard all.count > rows.max() ?? 0, all.allSatisfy({ $0 >= 0 && $0 < limit }) else {
            throw ModelError(
                path: file.path, reason: "\(name) has another shape than the ids, or values that are not below \(limit)"
            )
        }
        return rows.map { Int32(clamping: all[$0]) }
    }
}

extension SafetensorsFile {
    /// The tensor `labels`: for each sequence or position the number of its label or token, or a number below 0 for none.
    func labels(count: Int, below limit: Int) throws -> [Int32] {
        let labels = try integers("labels")
        guard labels.count == count, labels.allSatisfy({ $0 < limit }) else {
            throw ModelError(path: path, reason: "labels does not contain \(count) numbers below \(limit)")
        }
        return labels.map(Int32.init(clamping:))
    }
}
