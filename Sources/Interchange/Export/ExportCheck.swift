import Models

/// What an export, read back, is compared with: the logits, the tokenizer and the description of the model that was exported.
struct ExportCheck {
    private let logits: LogitsCheck
    private let description: DescriptionCheck

    /// - Throws: if the model is an n-gram model, or has weights that are not finite numbers.
    init(_ saved: SavedModel) throws {
        logits = try LogitsCheck(saved)
        description = try DescriptionCheck(saved)
    }

    /// Reads the model at `path` and compares it.
    /// - Parameters:
    ///   - path: the model, under a temporary name.
    ///   - name: its name in errors.
    ///   - format: its format.
    ///   - tolerance: the maximum root mean square error of the logits, in standard deviations of the logits.
    ///   - inexact: the features of texts that the format's tokenizer does not support as the original does.
    /// - Returns: the largest difference of a logit.
    /// - Throws: what differs.
    func compare(
        with path: String, called name: String, format: ExportFormat, tolerance: Double,
        inexact: Set<TextFeature> = []
    ) throws -> Double {
        do {
            let saved = try ModelDirectory.load(path)
            let difference = try logits.compare(with: saved, tolerance: tolerance)
            try description.compare(with: saved, format: format, inexact: inexact)
            return difference
        } catch {
            // Under its own name: the temporary one says nothing.
            let text = String(describing: error).replacing(path, with: name)
            let reason = error is ExportDifference ? text : "the export cannot be read back (\(text))"
            throw ModelError(path: name, reason: "\(reason); the file was removed")
        }
    }
}

/// How an export differs from the model, in one line.
package struct ExportDifference: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
