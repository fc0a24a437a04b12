import Files
import Models
import Tensors
import Tokenizers

extension SavedModel {
    /// The tokenizer; nil where the model has none that is of use here. A file that the system cannot read is an error: what
    /// is made without it would lack a tokenizer that there is.
    func tokenizerIfAny() throws(FileError) -> (any Tokenizer)? {
        do { return try tokenizer } catch let error as FileError { throw error } catch { return nil }
    }
}

/// What a model makes of some ids, and its tokens: enough to tell whether another is the same.
struct LogitsCheck {
    private let tokens: TokenBatch
    private let logits: [Float]
    private let vocabularySize: Int
    private let tokenizer: (any Tokenizer)?

    /// Throws where the model counts rather than computes, or has weights that are no finite numbers.
    init(_ saved: SavedModel) throws {
        guard let model = saved.model.neural else {
            throw ModelError(
                path: saved.path,
                reason:
                    "models of type '\(saved.model.modelType)' cannot be exported; export a bigram, attention or gpt model"
            )
        }
        try saved.requireFiniteWeights()
        // Ids from all of the vocabulary, the same every time.
        var random = Philox(0x70726F6265, UInt64(model.vocabularySize))
        let length = min(model.contextLength ?? 16, 16)
        tokens = TokenBatch(
            (0..<length).map { _ in
                Int32(random.next().multipliedFullWidth(by: UInt64(model.vocabularySize)).high)
            })
        logits = model.logits(tokens).values
        guard logits.allSatisfy(\.isFinite) else { throw ModelError(numbersOf: saved.model, path: saved.path) }
        vocabularySize = model.vocabularySize
        tokenizer = try saved.tokenizerIfAny()
    }

    /// Reads what lies at `path` and holds it against this.
    /// - Parameters:
    ///   - path: a model, under the name it has for now.
    ///   - name: what errors call it.
    ///   - tolerance: how far the logits may be off, as a share of their standard deviation: in the mean square.
    ///   - cutsAlike: whether its tokenizer must cut texts as this one does.
    /// - Returns: the largest difference of a logit.
    /// - Throws: what is not as it was.
    func compare(with path: String, called name: String, tolerance: Double, cutsAlike: Bool) throws -> Double {
        func failure(_ reason: String) -> ModelError {
            ModelError(path: name, reason: "\(reason); the file was removed")
        }
        let saved: SavedModel
        do { saved = try ModelDirectory.load(path) } catch {
            throw failure("the export cannot be read back (\(error))")
        }
        guard let model = saved.model.neural, model.vocabularySize >= vocabularySize else {
            throw failure("the export, read back, is another model")
        }
        let read = model.logits(tokens).values
        var largest = 0.0, square = 0.0, spread = 0.0
        let mean = logits.reduce(0) { $0 + Double($1) } / Double(max(1, logits.count))
        for row in 0..<tokens.length {
            for id in 0..<vocabularySize {
                let expected = Double(logits[row * vocabularySize + id])
                let difference = abs(expected - Double(read[row * model.vocabularySize + id]))
                // Of a maximum with what is no number the number would be left.
                guard difference.isFinite else {
                    throw failure("the model has numbers that are too large for this precision; choose bf16 or f32")
                }
                largest = max(largest, difference)
                square += difference * difference
                spread += (expected - mean) * (expected - mean)
            }
        }
        guard square <= tolerance * tolerance * spread + 1e-12 else {
            let share = (square / spread).squareRoot()
            throw failure("read back, its logits differ by \(share) standard deviations, more than \(tolerance)")
        }
        if let tokenizer { try compare(tokenizer, with: saved, cutsAlike, failure) }
        return largest
    }

    private func compare(
        _ tokenizer: any Tokenizer, with saved: SavedModel, _ cutsAlike: Bool, _ failure: (String) -> ModelError
    ) throws {
        let read: any Tokenizer
        do { read = try saved.tokenizer } catch { throw failure("its tokenizer cannot be read back (\(error))") }
        for id in 0..<Int32(tokenizer.vocabularySize) where tokenizer.bytes(of: id) != read.bytes(of: id) {
            throw failure("read back, its token \(id) differs")
        }
        let text = tokenizer.decode(tokens.ids)
        if cutsAlike, try tokenizer.encodeOrdinary(text) != read.encodeOrdinary(text) {
            throw failure("read back, its tokenizer splits \(quoted(text)) differently")
        }
    }
}
