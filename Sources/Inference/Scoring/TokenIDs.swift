import Files
import Interchange
import Models
import StrictJSON
import Tensors

/// Rows of token ids from a JSON file, under the names that Hugging Face's tokenizers use:
/// `{"input_ids": [[464, 3290], [72, 716]]}`. All rows have the same length, because padding is not supported.
///
/// For an encoder there may be `token_type_ids` of the same shape, otherwise the types are 0. For an encoder-decoder the rows
/// are sources, and the file has the targets as well, each with the start token: `decoder_input_ids`.
public struct TokenIDs: Sendable, Equatable {
    /// (B, T): at least one row of at least one id.
    public let rows: [[Int32]]
    /// The types of the ids of an encoder; nil if they are 0.
    public let types: [[Int32]]?
    /// A target for each row, for an encoder-decoder.
    public let targets: [[Int32]]?

    /// T, the length of each row.
    public var length: Int { rows[0].count }

    /// Reads the file at `path`, or standard input if that is `-`.
    /// - Parameters:
    ///   - path: the file.
    ///   - model: the model, which limits the ids and the lengths of rows.
    /// - Throws: one line that names the file, and the row if one is wrong.
    public init(path: String, for model: any Model) throws {
        let name = path == "-" ? "standard input" : path
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw ModelError(path: name, reason: "not JSON: \(error)")
        }
        let file = RowsFile(name: name, json: json, context: model.contextLength)
        rows = try file.rows("input_ids", below: model.vocabularySize, "which is not a token id: the ids of this model")
        var types: [[Int32]]?, targets: [[Int32]]?
        switch model.form {
        case .encoder(let model):
            if json["token_type_ids"] != nil {
                types = try file.rows(
                    "token_type_ids", below: model.configuration.tokenTypes,
                    "which is not a type: the types of this model")
            }
        case .encoderDecoder(let model):
            targets = try file.rows(
                "decoder_input_ids", below: model.vocabularySize, "which is not a token id: the ids of this model")
        case .neural, .counted, .other: break
        }
        for (key, others) in [("token_type_ids", types), ("decoder_input_ids", targets)] {
            guard let others else { continue }
            guard others.count == rows.count, key != "token_type_ids" || others[0].count == rows[0].count else {
                throw ModelError(path: name, reason: "its \(key) and its input_ids have different shapes")
            }
        }
        (self.types, self.targets) = (types, targets)
    }
}

/// A file of rows of numbers.
private struct RowsFile {
    let name: String
    let json: JSON
    /// The length of the longest row, or nil if there is no limit.
    let context: Int?

    /// The rows of a member, of numbers from 0 to one less than `limit`, which are otherwise `what`.
    func rows(_ key: String, below limit: Int, _ what: String) throws -> [[Int32]] {
        func failure(_ reason: String) -> ModelError { ModelError(path: name, reason: reason) }
        let form = "expected {\"\(key)\": [[...], ...]}"
        guard let object = json.objectValue else { throw failure("it contains \(json.kind); \(form)") }
        guard let value = object[key] else { throw failure("it has no \(key); \(form)") }
        guard let listed = value.arrayValue else { throw failure("its \(key) are \(value.kind); \(form)") }
        guard !listed.isEmpty else { throw failure("its \(key) have no rows; \(form)") }
        var rows: [[Int32]] = []
        for (number, row) in listed.enumerated() {
            guard let ids = row.arrayValue else { throw failure("row \(number) is \(row.kind); \(form)") }
            guard !ids.isEmpty else { throw failure("row \(number) is empty; \(form)") }
            if let first = rows.first, first.count != ids.count {
                throw failure(
                    "row \(number) has \(ids.count) ids and row 0 has \(first.count); give rows of the same length, or use "
                        + "separate files")
            }
            if let context, ids.count > context {
                throw failure(
                    "row \(number) has \(ids.count) ids, more than the model's context of \(context); give "
                        + "shorter rows"
                )
            }
            rows.append(
                try ids.enumerated().map { place, id in
                    guard let id = id.intValue, id >= 0, id < limit else {
                        throw failure(
                            "row \(number) has \(id.shown) at position \(place), \(what) are whole numbers from 0 to "
                                + "\(limit - 1)")
                    }
                    return Int32(id)
                })
        }
        return rows
    }
}
