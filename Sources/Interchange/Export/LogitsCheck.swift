import Files
import Models
import Tensors
import Tokenizers

extension SavedModel {
    /// The tokenizer; nil if the model has none that can be used. If the system cannot read its file, that is an error, because
    /// the export would lack a tokenizer that exists.
    func tokenizerIfAny() throws(FileError) -> (any Tokenizer)? {
        do { return try tokenizer } catch let error as FileError { throw error } catch { return nil }
    }
}

/// The logits of a model for some ids, and its tokens, with which a model that was written and read again is compared.
struct LogitsCheck {
    private let tokens: TokenBatch
    private let logits: [Float]
    private let vocabularySize: Int
    private let tokenizer: (any Tokenizer)?

    /// Computes the logits of a model.
    /// - Throws: if it is an n-gram model, or has weights that are not finite numbers.
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

    /// Reads the model at `path` and compares it.
    /// - Parameters:
    ///   - path: the model, under a temporary name.
    ///   - name: its name in errors.
    ///   - tolerance: the maximum root mean square error of the logits, in standard deviations of the logits.
    ///   - splitsAlike: whether its tokenizer must split texts as the original.
    /// - Returns: the largest difference of a logit.
    /// - Throws: what differs.
    func compare(with path: String, called name: String, tolerance: Double, splitsAlike: Bool) throws -> Double {
        func failure(_ reason: String) -> ModelError {
            ModelError(path: name, reason: "\(reason); the file was removed")
        }
        let saved: SavedModel
        do { saved = try ModelDirectory.load(path) } catch {
            // Under its own name: the temporary one says nothing.
            let reason = String(describing: error).replacing(path, with: name)
            throw failure("the export cannot be read back (\(reason))")
        }
        guard let model = saved.model.neural, model.vocabularySize >= vocabularySize else {
            throw failure("the export, read back, is another model")
        }
        let read = model.logits(tokens).values
        var largest = 0.0, squaredError = 0.0, variance = 0.0
        let mean = logits.reduce(0) { $0 + Double($1) } / Double(max(1, logits.count))
        for row in 0..<tokens.length {
            for id in 0..<vocabularySize {
                let expected = Double(logits[row * vocabularySize + id])
                let difference = abs(expected - Double(read[row * model.vocabularySize + id]))
                // A maximum with NaN would be the number.
                guard difference.isFinite else {
                    throw failure("the model has numbers that are too large for this precision; choose bf16 or f32")
                }
                largest = max(largest, difference)
                squaredError += difference * difference
                variance += (expected - mean) * (expected - mean)
            }
        }
        guard squaredError <= tolerance * tolerance * variance + 1e-12 else {
            let share = (squaredError / variance).squareRoot()
            throw failure("read back, its logits differ by \(share) standard deviations, more than \(tolerance)")
        }
        if let tokenizer { try compare(tokenizer, with: saved, called: name, splitsAlike, failure) }
        return largest
    }

    private func compare(
        _ tokenizer: any Tokenizer, with saved: SavedModel, called name: String, _ splitsAlike: Bool,
        _ failure: (String) -> ModelError
    ) throws {
        let read: any Tokenizer
        do { read = try saved.tokenizer } catch {
            throw failure(
                "its tokenizer cannot be read back (\(String(describing: error).replacing(saved.path, with: name)))")
        }
        for id in 0..<Int32(tokenizer.vocabularySize) where tokenizer.bytes(of: id) != read.bytes(of: id) {
            throw failure("read back, its token \(id) differs")
        }
        let text = tokenizer.decode(tokens.ids)
        if splitsAlike, try tokenizer.encodeOrdinary(text) != read.encodeOrdinary(text) {
            throw failure("read back, its tokenizer splits \(quoted(text)) differently")
        }
    }
}
