import Files
import Models
import Tokenizers

/// Exports models to the formats of other programs. Each export is checked before it gets its name.
public enum ModelExport {
    /// The result of an export.
    public struct Report: Sendable {
        /// The size of the file, or of all files of the directory, in bytes.
        public let size: Int
        /// The largest difference between a logit of the model and one of the export, read back; nil if it was not measured.
        public let difference: Double?
        /// The maximum length of a sequence; nil if there is none. Not every program reads it from the file.
        public let contextLength: Int?
        /// The model that was exported; nil for one of another module.
        public let model: ModelSpecification?
        /// Differences between the export and the model, each in one line.
        public let remarks: [String]
    }

    /// Exports a model to a file or directory.
    ///
    /// The export is written under a temporary name in the same directory and read back, its logits, its tokenizer and its
    /// description are compared with those of the model, and only then it is renamed. An existing file is replaced; a directory must be new or empty. The
    /// weights are written from the model's file without a copy of all, and the model is released before the export is read back.
    /// - Parameters:
    ///   - path: the model, a directory or a GGUF file.
    ///   - format: the format of the export.
    ///   - precision: the number format, which `format` must support.
    ///   - out: the file or directory to write; not one of the model's own.
    ///   - hasCache: whether an ONNX graph has the keys and values of earlier tokens as inputs.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: what is wrong with the model, why the format does not support it, or what differs, in one line.
    public static func run(
        _ path: String, to format: ExportFormat, precision: ExportPrecision, at out: String, hasCache: Bool = false,
        acceptingEdits: Bool = false
    ) throws -> Report {
        guard format.precisions.contains(precision) else {
            let known = format.precisions.map(\.rawValue).joined(separator: ", ")
            throw ModelError(
                path: out,
                reason: "\(format.rawValue) does not support \(precision.rawValue); choose from \(known)")
        }
        guard try Files.find(path) else { throw ModelError(path: path, reason: "there is no such model") }
        // The export may be a file in the model's directory, but must not replace one of the model's.
        if Files.isDirectory(path), Files.exists(out), Files.isPath(out, inside: path),
            [".json", ".safetensors"].contains(where: out.hasSuffix)
        {
            throw ModelError(
                path: out,
                reason: "the output would replace a file of the model itself; choose another path")
        }
        let load = {
            let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
            try format.requireSupport(of: saved.model.specification, path: path)
            return saved
        }
        AtomicFile.removeLeftovers(in: Files.parent(of: out))
        return try Files.withDirectory(Files.parent(of: out)) {
            switch format {
            case .hf: try writeDirectory(load, precision, at: out)
            case .gguf: try writeGGUF(load, precision, at: out)
            case .onnx: try writeONNX(load, precision, at: out, hasCache: hasCache)
            case .torchscript: try writeTorchScript(load, at: out)
            }
        }
    }

    /// The remark on an export of a model without a tokenizer that can be used.
    static let missingTokenizer = "The export has no tokenizer and can be used with token ids only."

    private static func writeONNX(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String, hasCache: Bool
    ) throws -> Report {
        let saved = try load(), tokenizer = try saved.tokenizerIfAny()
        // `ONNXExport` compares the graph itself, with weights that are finite numbers.
        _ = try LogitsCheck(saved)
        let report = try ONNXExport.write(
            saved.model, tokenizer: tokenizer, description: saved.description, to: out,
            options: ONNXExport.Options(hasCache: hasCache, weights: precision.graphType))
        var remarks: [String] = []
        if tokenizer == nil { remarks.append(missingTokenizer) }
        let data = out + ONNXExport.dataEnding
        if report.hasDataFile, !Files.isDirectory(out) {
            remarks.append("The weights are in \(data): keep both files in the same directory.")
        }
        if report.removesDataFile {
            remarks.append("\(data), the weights of the replaced file, was removed.")
        }
        return Report(
            size: report.size,
            // If weights are rounded, the graph and each number are checked, but the effect of rounding on logits is not measured.
            difference: precision == .f32 ? Double(report.difference) : nil, contextLength: saved.model.contextLength,
            model: saved.model.specification, remarks: remarks)
    }

    private static func writeTorchScript(_ load: () throws -> SavedModel, at out: String) throws -> Report {
        let saved = try load()
        _ = try LogitsCheck(saved)
        let archive = try TorchScriptArchive(saved, path: out)
        try AtomicFile.replace(at: out) {
            try archive.write(to: $0)
        } check: {
            try archive.verify(at: $0)
        }
        return Report(
            size: try size(of: out), difference: nil, contextLength: saved.model.contextLength,
            model: saved.model.specification, remarks: archive.remarks)
    }

    private static func writeDirectory(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String
    ) throws -> Report {
        var difference = 0.0, model: ModelSpecification?, remarks: [String] = []
        try AtomicDirectory.make(at: out) { temporary in
            // The model is released when this function returns, before the export is read.
            func write() throws -> ExportCheck {
                let saved = try load()
                let check = try ExportCheck(saved)
                model = saved.model.specification
                let tokenizer = try saved.tokenizerIfAny()
                if tokenizer == nil { remarks.append(missingTokenizer) }
                try ModelDirectory.save(
                    saved.model, tokenizer: tokenizer, description: saved.description, to: temporary,
                    as: precision.encoding)
                return check
            }
            difference = try write().compare(
                with: temporary, called: out, format: .hf, tolerance: precision.tolerance)
        }
        return Report(
            size: try size(of: out), difference: difference, contextLength: model?.contextLength, model: model,
            remarks: remarks)
    }

    private static func writeGGUF(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String
    ) throws -> Report {
        var difference = 0.0, model: ModelSpecification?
        var differences: GGUFModel.Differences = ([], [])
        var check: ExportCheck?
        try AtomicFile.replace(at: out) { writer in
            let saved = try load()
            model = saved.model.specification
            check = try ExportCheck(saved)
            differences = try GGUFModel.write(
                saved, name: name(of: saved.path), as: precision.encoding, to: writer, path: out)
        } check: { temporary in
            guard let check else { return }
            difference = try check.compare(
                with: temporary, called: out, format: .gguf, tolerance: precision.tolerance,
                inexact: differences.inexact)
        }
        return Report(
            size: try size(of: out), difference: difference, contextLength: model?.contextLength, model: model,
            remarks: differences.remarks)
    }

    /// The last component of a model's path, without an extension.
    private static func name(of path: String) -> String {
        let last = Files.name(of: path)
        return last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last
    }

    private static func size(of path: String) throws -> Int {
        guard Files.isDirectory(path) else { return Files.size(path) ?? 0 }
        return try Files.contents(ofDirectory: path).reduce(0) { $0 + (Files.size("\(path)/\($1)") ?? 0) }
    }
}
