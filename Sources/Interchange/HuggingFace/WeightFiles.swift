import Files
import StrictJSON

/// The safetensors files of a model: one, or several with an index, as for large models.
package struct WeightFiles {
    package static let fileName = "model.safetensors"
    static let indexName = "model.safetensors.index.json"

    private let files: [SafetensorsFile]
    private let fileOfName: [UTF8Key: Int]
    /// The path of the file, or of the index.
    package let path: String

    /// Opens the files of a model's directory, checking their headers but not their checksums.
    package init(directory: String) throws {
        let single = directory + "/" + Self.fileName
        let index = directory + "/" + Self.indexName
        var paths = [single]
        if try !Files.find(single) {
            if try Files.find(index) {
                paths = try Self.shards(index, in: directory)
            } else if Files.exists(directory + "/pytorch_model.bin") {
                throw ModelError(
                    path: directory,
                    reason:
                        "its weights are a pickle file, which can run code and is not supported; convert it in Python with "
                        + "save_pretrained of transformers")
            }
        }
        path = paths.count == 1 ? single : index
        files = try paths.map { try SafetensorsFile(path: $0) }
        var fileOfName: [UTF8Key: Int] = [:]
        for (number, file) in files.enumerated() {
            for name in file.names {
                guard fileOfName.updateValue(number, forKey: UTF8Key(name)) == nil else {
                    throw ModelError(path: path, reason: "the tensor \(name) is in two of its files")
                }
            }
        }
        self.fileOfName = fileOfName
    }

    /// The files that an index names, which must be in the same directory.
    private static func shards(_ index: String, in directory: String) throws -> [String] {
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(index)) } catch let error as JSONError {
            throw ModelError(path: index, reason: "not JSON: \(error)")
        }
        guard let map = json["weight_map"]?.objectValue else {
            throw ModelError(path: index, reason: "it has no weight_map")
        }
        var names = Set<String>()
        for (tensor, value) in map {
            guard let name = value.stringValue, !name.contains("/"), name.hasSuffix(".safetensors") else {
                throw ModelError(
                    path: index,
                    reason:
                        "its weight_map has \(value.shown) for \(quoted(tensor)), not a .safetensors file in the same directory"
                )
            }
            names.insert(name)
        }
        guard !names.isEmpty else { throw ModelError(path: index, reason: "its weight_map is empty") }
        return names.sorted().map { directory + "/" + $0 }
    }

    /// The number of files.
    package var count: Int { files.count }

    /// The paths of the files.
    var paths: [String] { files.map(\.path) }

    /// Throws if a file has a checksum that does not match. Reads the whole file.
    package func verifyChecksum(ofFile number: Int) throws { try files[number].verifyChecksum() }

    /// The same for all files.
    package func verifyChecksums() throws { for number in files.indices { try verifyChecksum(ofFile: number) } }

    /// The names of all tensors.
    package var names: [String] { files.flatMap(\.names) }
    /// The metadata of the first file.
    package var metadata: [String: String] { files.first?.metadata ?? [:] }

    /// The record of the files beside the weights; nil if another program or an older version of this one saved them.
    package func record() throws -> DescriptionRecord? {
        guard let text = metadata[DescriptionRecord.key] else { return nil }
        if let record = DescriptionRecord(text) { return record }
        // Either the file is damaged, which its checksum shows, or another program uses the key.
        try verifyChecksums()
        return nil
    }

    /// Writes the files into another directory under the same names, each with a checksum.
    /// - Parameters:
    ///   - directory: the other directory.
    ///   - record: the record of the other files there.
    func copy(to directory: String, record: DescriptionRecord) throws {
        for (number, file) in files.enumerated() {
            var metadata = file.metadata
            metadata[DescriptionRecord.key] = number == 0 ? record.text : nil
            let tensors = try file.names.map { name in
                let entry = try file.entry(name)
                return SafetensorsTensor(name: name, dtype: entry.dtype, shape: entry.shape) { write in
                    try file.withBytes(name, write)
                    // The pages of the source are not needed again.
                    file.file.release(entry.range)
                }
            }
            try SafetensorsWriter.write(
                to: "\(directory)/\(Files.name(of: file.path))", metadata: metadata, tensors: tensors, checksum: true)
        }
    }

    /// The file that contains a tensor.
    package func file(of name: String) -> SafetensorsFile? { fileOfName[UTF8Key(name)].map { files[$0] } }
}
