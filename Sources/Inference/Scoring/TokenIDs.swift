import Files
import Interchange
import StrictJSON
import Tensors

/// Rows of token ids from a JSON file, under the name that Hugging Face's tokenizers use:
/// `{"input_ids": [[464, 3290], [72, 716]]}`. All rows have the same length, because padding is not supported.
public struct TokenIDs: Sendable, Equatable {
    /// (B, T): at least one row of at least one id.
    public let rows: [[Int32]]

    /// T, the length of each row.
    public var length: Int { rows[0].count }

    /// Reads the file at `path`, or standard input if that is `-`.
    /// - Parameters:
    ///   - path: the file.
    ///   - vocabularySize: V: ids are 0 ..< V.
    ///   - contextLength: the length of the longest row that the model reads, or nil if there is no limit.
    /// - Throws: one line that names the file, and the row if one is wrong.
    public init(path: String, vocabularySize: Int, contextLength: Int?) throws {
        let name = path == "-" ? "standard input" : path
        func failure(_ reason: String) -> ModelError { ModelError(path: name, reason: reason) }

        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw failure("not JSON: \(error)")
        }
        let form = "expected {\"input_ids\": [[...], ...]}"
        guard let object = json.objectValue else { throw failure("it contains \(json.kind); \(form)") }
        guard let value = object["input_ids"] else { throw failure("it has no input_ids; \(form)") }
        guard let listed = value.arrayValue else { throw failure("its input_ids are \(value.kind); \(form)") }
        guard !listed.isEmpty else { throw failure("its input_ids have no rows; \(form)") }
        var rows: [[Int32]] = []
        for (number, row) in listed.enumerated() {
            guard let ids = row.arrayValue else { throw failure("row \(number) is \(row.kind); \(form)") }
            guard !ids.isEmpty else { throw failure("row \(number) is empty; \(form)") }
            if let first = rows.first, first.count != ids.count {
                throw failure(
                    "row \(number) has \(ids.count) ids and row 0 has \(first.count); give rows of the same length, or use "
                        + "separate files")
            }
            if let contextLength, ids.count > contextLength {
                throw failure(
                    "row \(number) has \(ids.count) ids, more than the model's context of \(contextLength); give "
                        + "shorter rows"
                )
            }
            rows.append(
                try ids.enumerated().map { place, id in
                    guard let id = id.intValue, id >= 0, id < vocabularySize else {
                        throw failure(
                            "row \(number) has \(id.shown) at position \(place), which is not a token id: the ids of this model "
                                + "are whole numbers from 0 to \(vocabularySize - 1)")
                    }
                    return Int32(id)
                })
        }
        self.rows = rows
    }
}
