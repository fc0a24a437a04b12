import Files
import Models
import StrictJSON
import Tokenizers

/// The contents of the files beside a model's weights when the weights were saved.
///
/// Results depend on config.json, the tokenizer and the generation settings as much as on the weights, and a changed number in
/// them need not change any shape. So the metadata of the weights contain a record of these files, which the checksum of the
/// weights covers and other programs ignore. The weights are written last, so an interrupted save leaves either no weights or
/// weights with a correct record. A program that rewrites the directory (`save_pretrained` of transformers) writes other
/// metadata; such a directory has no record.
///
/// The record consists of values, not of bytes (see `JSON.canonical`): other spaces or another order of keys are no change.
package struct DescriptionRecord: Sendable {
    /// The key of the record among the metadata.
    static let key = "description"

    /// The files that results depend on.
    static let fileNames = ModelDescription.fileNames + [TokenizerFile.name, WeightFiles.indexName]

    /// Files up to this size are recorded completely, so that an error can name the changed value; of larger ones only digests
    /// are recorded.
    private static let greatestContent = 4096

    /// The record of one file.
    private enum Entry: Sendable {
        /// Its contents in canonical form.
        case content(JSON)
        /// The SHA-256 of its bytes, which is fast to compare, and that of its canonical form if it is JSON.
        case digests(bytes: String, canonical: String?)
    }

    private var entries: [(name: String, entry: Entry)] = []

    // MARK: Making

    /// A record of no files.
    package init() {}

    /// A record of the files that are in a directory now.
    package init(directory: String) throws {
        for name in Self.fileNames where try Files.find("\(directory)/\(name)") {
            add(name, try TextFile.bytes("\(directory)/\(name)"))
        }
    }

    /// Adds a file with its contents.
    mutating func add(_ name: String, _ bytes: [UInt8]) {
        let json = try? JSON(parsing: bytes)
        if let json, bytes.count <= Self.greatestContent, Self.canHold(json) {
            entries.append((name, .content(json.canonical)))
        } else {
            let digest = SHA256.hexDigest(of: bytes)
            entries.append((name, .digests(bytes: digest, canonical: json.map(Self.digest))))
        }
    }

    /// Whether a value can be parsed two levels deeper, which is its depth in a record.
    private static func canHold(_ json: JSON) -> Bool {
        (try? JSON(parsing: Array(JSON.array([.array([json])]).serialized().utf8))) != nil
    }

    private static func digest(of json: JSON) -> String {
        SHA256.hexDigest(of: Array(json.canonical.serialized().utf8))
    }

    /// The record as a metadata value, independent of the order in which files were added.
    var text: String {
        let members = entries.sorted { $0.name < $1.name }.map { name, entry -> (String, JSON) in
            switch entry {
            case .content(let json): (name, ["content": json])
            case .digests(let bytes, let canonical):
                (name, ["sha256": .string(bytes), "canonical_sha256": canonical.map(JSON.string) ?? .null])
            }
        }
        return JSON.object(JSONObject(members)).serialized()
    }

    /// Parses a record; nil if the text is not one. Names of other files are ignored, because the files in a record are opened.
    init?(_ text: String) {
        guard let members = (try? JSON(parsing: Array(text.utf8)))?.objectValue else { return nil }
        for (name, value) in members where Self.fileNames.contains(name) {
            if let content = value["content"] {
                entries.append((name, .content(content)))
            } else if let bytes = value["sha256"]?.stringValue {
                entries.append((name, .digests(bytes: bytes, canonical: value["canonical_sha256"]?.stringValue)))
            } else {
                return nil
            }
        }
    }

    // MARK: Comparing

    /// Throws if a file of a directory differs from the record.
    /// - Parameter except: a file that is not compared, because it is read and compared elsewhere.
    package func verify(_ directory: String, except: String? = nil) throws {
        for (name, _) in entries where name != except {
            let path = "\(directory)/\(name)"
            try verify(name, try Files.find(path) ? TextFile.bytes(path) : nil, in: directory)
        }
    }

    /// Throws if a file differs from the record, or is missing.
    /// - Parameters:
    ///   - name: one of `fileNames`. A file that is not in the record is not compared.
    ///   - bytes: its contents; nil if it does not exist.
    ///   - directory: its directory, for the error.
    package func verify(_ name: String, _ bytes: [UInt8]?, in directory: String) throws(ModelError) {
        guard let entry = entries.first(where: { $0.name == name })?.entry else { return }
        func failure(_ reason: String) -> ModelError {
            ModelError(
                path: "\(directory)/\(name)",
                reason: "\(reason); restore the file, or accept edited files", isEdit: true)
        }
        guard let bytes else { throw failure("missing, although the model was saved with it") }
        switch entry {
        case .content(let old):
            guard let json = try? JSON(parsing: bytes) else {
                throw failure("edited or damaged since the model was saved: it is not valid JSON")
            }
            if let difference = json.difference(from: old) {
                throw failure("edited since the model was saved: \(difference)")
            }
        case .digests(let digest, let canonical):
            if SHA256.hexDigest(of: bytes) == digest { return }
            if let canonical, let json = try? JSON(parsing: bytes), Self.digest(of: json) == canonical { return }
            throw failure("edited or damaged since the model was saved: its checksum does not match")
        }
    }
}
