import Files
import Models
import Tokenizers

/// Models for other programs, each checked before it has its name.
public enum ModelExport {
    /// What was made.
    public struct Report: Sendable {
        /// The bytes of the file, or of the directory's files.
        public let size: Int
        /// The largest difference between a logit of the model and of what was made, read back; nil where it was not.
        public let difference: Double?
        /// The longest sequence that the model knows, where it has a limit: not every program asks the file for it.
        public let contextLength: Int?
        /// What will not be as here, in a line each.
        public let remarks: [String]
    }

    /// Makes a model into a file or directory of another program.
    ///
    /// It is written under a temporary name beside its own, read back, and its logits and tokens are held against those of
    /// the model; only then it gets its name. A file of that name is replaced, a directory must be new or empty. The weights
    /// go from the model's file to the new one without a copy of all, and the model is let go of before it is read back.
    /// - Parameters:
    ///   - path: the model, a directory or a GGUF file.
    ///   - format: the other program's.
    ///   - precision: one of the format's.
    ///   - out: the file or directory to make; none of the model's own.
    ///   - hasCache: of a graph for onnxruntime, whether it takes the keys and values of earlier tokens.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: one line: what is wrong with the model, why the format has no place for it, or what the check has found.
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
        // Another format's file may lie beside the model's own, but not in place of one.
        if Files.isDirectory(path), Files.exists(out), Files.isPath(out, inside: path),
            [".json", ".safetensors"].contains(where: out.hasSuffix)
        {
            throw ModelError(
                path: out,
                reason: "the output would replace a file of the model itself; choose another path")
        }
        let load = { try ModelDirectory.load(path, acceptingEdits: acceptingEdits) }
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

    private static func writeONNX(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String, hasCache: Bool
    ) throws -> Report {
        let saved = try load(), tokenizer = try saved.tokenizerIfAny()
        // The rest of the check is the format's own.
        _ = try LogitsCheck(saved)
        let report = try ONNXExport.write(
            saved.model, tokenizer: tokenizer, to: out,
            options: ONNXExport.Options(hasCache: hasCache, weights: precision.graphType))
        var remarks: [String] = []
        if tokenizer == nil { remarks.append("The export has no tokenizer and can be used with token ids only.") }
        let data = out + ONNXExport.dataEnding
        if report.hasDataFile { remarks.append("The weights are in \(data): keep both files in the same directory.") }
        if report.removesDataFile {
            remarks.append("\(data), the weights of the replaced file, was removed.")
        }
        return Report(
            size: report.size,
            // Of rounded weights the graph is checked, and each number; what rounding does to logits is not measured.
            difference: precision == .f32 ? Double(report.difference) : nil, contextLength: saved.model.contextLength,
            remarks: remarks)
    }

    private static func writeTorchScript(_ load: () throws -> SavedModel, at out: String) throws -> Report {
        let saved = try load()
        _ = try LogitsCheck(saved)
        let archive = try TorchScriptArchive(saved.model, tokenizer: saved.tokenizerIfAny(), path: out)
        try AtomicFile.replace(at: out) {
            try archive.write(to: $0)
        } check: {
            try archive.verify(at: $0)
        }
        return Report(
            size: try size(of: out), difference: nil, contextLength: saved.model.contextLength,
            remarks: archive.remarks)
    }

    private static func writeDirectory(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String
    ) throws -> Report {
        var difference = 0.0, contextLength: Int?
        try AtomicDirectory.make(at: out) { temporary in
            // Of the model nothing is left in memory when what was made of it is read.
            func write() throws -> LogitsCheck {
                let saved = try load()
                let probe = try LogitsCheck(saved)
                guard case .transformer(let configuration) = saved.model.specification, configuration.family != nil
                else {
                    throw ModelError(
                        path: saved.path,
                        reason:
                            "transformers does not support models of type '\(saved.model.modelType)'; export it to "
                            + "onnx or torchscript")
                }
                contextLength = configuration.contextLength
                try ModelDirectory.save(
                    saved.model, tokenizer: saved.tokenizer, to: temporary, as: precision.encoding)
                return probe
            }
            difference = try write().compare(
                with: temporary, called: out, tolerance: precision.tolerance, cutsAlike: true)
        }
        return Report(
            size: try size(of: out), difference: difference, contextLength: contextLength, remarks: [])
    }

    private static func writeGGUF(
        _ load: () throws -> SavedModel, _ precision: ExportPrecision, at out: String
    ) throws -> Report {
        var difference = 0.0, contextLength: Int?, remarks: [String] = []
        var probe: LogitsCheck?
        try AtomicFile.replace(at: out) { writer in
            let saved = try load()
            contextLength = saved.model.contextLength
            probe = try LogitsCheck(saved)
            remarks = try GGUFModel.write(
                saved.model, tokenizer: saved.tokenizer, name: name(of: saved.path), as: precision.encoding, to: writer,
                path: out)
        } check: { temporary in
            guard let probe else { return }
            difference = try probe.compare(
                with: temporary, called: out, tolerance: precision.tolerance, cutsAlike: remarks.isEmpty)
        }
        return Report(
            size: try size(of: out), difference: difference, contextLength: contextLength, remarks: remarks)
    }

    /// The last part of a model's path, without an ending.
    private static func name(of path: String) -> String {
        let last = Files.name(of: path)
        return last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last
    }

    private static func size(of path: String) throws -> Int {
        guard Files.isDirectory(path) else { return Files.size(path) ?? 0 }
        return try Files.contents(ofDirectory: path).reduce(0) { $0 + (Files.size("\(path)/\($1)") ?? 0) }
    }
}
