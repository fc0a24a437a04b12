import Files
import Models
import StrictJSON
import Tokenizers

/// What the files beside a model's weights said when the weights were saved.
///
/// config.json, the tokenizer and the settings of generation decide results as much as the weights do, and no shape gives
/// away that a number in them has changed. So the weights carry a record of them in the metadata of their file, which their
/// checksum covers and other programs ignore. The record is in the file that is written last, hence a save that a crash cuts
/// off leaves either no weights, or weights whose record is true. A program that writes the directory anew (`save_pretrained`
/// of transformers) writes other metadata, and the directory is that program's from then on.
///
/// The record is of values, not of bytes (see `JSON.canonical`): whoever saves a file again with other spaces or in another
/// order of keys has changed nothing.
package struct DescriptionRecord: Sendable {
    /// The key of the record among the metadata.
    static let key = "description"

    /// The files that describe a model. Others in its directory decide nothing.
    static let fileNames = [
        ModelSpecification.configurationFile, "generation_config.json", TokenizerFile.name,
        TokenizerFile.configurationName,
        "special_tokens_map.json", WeightFiles.indexName,
    ]

    /// Files up to this size are recorded as they are, so that an error can name the value that has changed; of larger ones
    /// there are digests.
    private static let greatestContent = 4096

    /// What is known of one file.
    private enum Entry: Sendable {
        /// All of it, in canonical form.
        case content(JSON)
        /// The SHA-256 of its bytes, which costs the least to compare, and that of its canonical form, if it is JSON.
        case digests(bytes: String, canonical: String?)
    }

    private var entries: [(name: String, entry: Entry)] = []

    // MARK: Making

    /// A record of nothing.
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

    /// Whether a value can be read again two levels deeper than it was, as it stands in a record.
    private static func canHold(_ json: JSON) -> Bool {
        (try? JSON(parsing: Array(JSON.array([.array([json])]).serialized().utf8))) != nil
    }

    private static func digest(of json: JSON) -> String {
        SHA256.hexDigest(of: Array(json.canonical.serialized().utf8))
    }

    /// The record as a line of metadata, the same whatever the order in which files were added.
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

    /// Reads a record; nil where the text is none that this program writes. Names of other files are passed over: what a
    /// record names is opened.
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

    /// Throws where a recorded file of a directory is not what it was.
    /// - Parameter except: a file that is read elsewhere, and compared there.
    package func verify(_ directory: String, except: String? = nil) throws {
        for (name, _) in entries where name != except {
            let path = "\(directory)/\(name)"
            try verify(name, try Files.find(path) ? TextFile.bytes(path) : nil, in: directory)
        }
    }

    /// Throws where the file `name` does not say what it said, or is no longer there.
    /// - Parameters:
    ///   - name: one of `fileNames`. A file that the record does not know is not compared.
    ///   - bytes: its contents; nil where there is no such file.
    ///   - directory: where it is, for the error.
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
