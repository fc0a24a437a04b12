import Files
import GPTKit
import StrictJSON

/// The record of the training of a model in the files beside it: `training/settings.json` and the last row of
/// `training/metrics.csv`.
///
/// The files are meant for people to read, so missing and unknown values are ignored.
struct TrainingRecord {
    let json: JSON
    private let metrics: [String: String]

    /// Reads the record. Returns nil if there is no readable settings.json.
    init?(directory: String) {
        guard let contents = try? TextFile.bytes(directory + "/training/settings.json"),
            let json = try? JSON(parsing: contents), json.objectValue != nil
        else { return nil }
        self.json = json
        let lines = ((try? TextFile.read(directory + "/training/metrics.csv")) ?? "").split(separator: "\n")
        var metrics: [String: String] = [:]
        if lines.count > 1, let names = lines.first, let values = lines.last {
            for (name, value) in zip(
                names.split(separator: ","), values.split(separator: ",", omittingEmptySubsequences: false))
            {
                metrics[String(name)] = String(value)
            }
        }
        self.metrics = metrics
    }

    /// Rows to display: a label and its value.
    var rows: [[String]] {
        [["trained on", text], ["training", settings], ["result", result]].filter { !$0[1].isEmpty }
    }

    private func number(_ group: String, _ name: String) -> Double? { json[group]?[name]?.doubleValue }

    private var text: String {
        var pieces: [String] = []
        let origin = json["text"]?["origin"]
        if let files = origin?["files"]?.arrayValue {
            pieces.append(
                files.compactMap(\.stringValue).map { $0 == "-" ? "standard input" : escaped($0) }.joined(
                    separator: ", "))
        } else if let name = Self.name(of: origin) {
            pieces.append(name)
        }
        if let tokens = number("text", "training_tokens") { pieces.append("\(large(tokens)) training tokens") }
        if let tokens = number("text", "validation_tokens") { pieces.append("\(large(tokens)) validation tokens") }
        for kind in ["examples", "pairs"] {
            guard let training = number("text", "training_\(kind)"),
                let validation = number("text", "validation_\(kind)")
            else { continue }
            pieces.append("\(large(training)) training and \(large(validation)) validation \(kind)")
        }
        return pieces.joined(separator: ", ")
    }

    /// Where data are from that are not text files.
    private static func name(of origin: JSON?) -> String? {
        if let name = origin?.stringValue {
            let known = [
                "tiny-shakespeare": "tiny Shakespeare", "built-in": "the built-in play", "dates": "generated dates",
            ]
            return known[name] ?? escaped(name)
        }
        if let path = origin?["labelled"]?.stringValue { return escaped(path) }
        if let play = origin?["speeches"] {
            let files = play["files"]?.arrayValue?.compactMap(\.stringValue).map(escaped).joined(separator: ", ")
            return "the speeches of \(files ?? name(of: play) ?? "a play")"
        }
        return origin?["pairs"]?.arrayValue?.compactMap(\.stringValue).map(escaped).joined(separator: ", ")
    }

    private var settings: String {
        var pieces: [String] = []
        if let step = number("progress", "step") {
            let of = number("settings", "steps").map { $0 == step ? "" : " of \(large($0))" } ?? ""
            pieces.append("\(large(step))\(of) steps")
        }
        if let batch = number("settings", "batch"), let context = number("settings", "context"),
            json["progress"]?["step"] != nil
        {
            let accumulate = number("settings", "accumulate").map { $0 > 1 ? "\(large($0)) x " : "" } ?? ""
            let parts =
                switch json["settings"]?["task"]?.stringValue {
                case "classify": "texts of at most"
                case "translate": "pairs of at most"
                default: "windows of"
                }
            pieces.append("\(accumulate)\(large(batch)) \(parts) \(large(context)) tokens")
            if let rate = number("settings", "learning_rate") { pieces.append("learning rate \(rate)") }
            if let dropout = number("settings", "dropout"), dropout > 0 { pieces.append("dropout \(dropout)") }
            if let precision = json["settings"]?["precision"]?.stringValue { pieces.append(escaped(precision)) }
            if let seed = json["settings"]?["seed"]?.stringValue { pieces.append("seed \(escaped(seed))") }
        }
        if let seconds = number("progress", "seconds") { pieces.append("\(duration(seconds))") }
        if let model = json["settings"]?["from"]?.stringValue { pieces.append("fine-tuned from \(escaped(model))") }
        return pieces.joined(separator: ", ")
    }

    /// The loss in bits per byte, which is comparable between models with different tokenizers, in parentheses; empty
    /// if it cannot be computed from the record.
    private func bitsPerByte(_ loss: Double) -> String {
        guard let length = number("text", "validation_bytes_per_token"), length > 0 else { return "" }
        return " (\(fixed(TextScore.bits(loss) / length, 3)) bits per byte)"
    }

    private var result: String {
        var pieces: [String] = []
        if let loss = number("progress", "final_validation_loss") {
            let windows = number("progress", "final_validation_windows").flatMap { Int(exactly: $0) } ?? 0
            let result = ValidationResult(
                value: loss, windows: windows,
                allWindows: number("progress", "validation_windows").flatMap { Int(exactly: $0) } ?? windows,
                standardError: number("progress", "final_validation_standard_error"))
            pieces.append("validation loss \(figure(result))\(extent(result))\(bitsPerByte(loss))")
            if let step = number("progress", "best_step") { pieces.append("best at step \(large(step))") }
        } else if let loss = number("progress", "best_validation_loss") {
            pieces.append("validation loss \(fixed(loss, 4))\(bitsPerByte(loss)) so far (unfinished run)")
        }
        if let loss = metrics["training_loss"].flatMap(Double.init) {
            pieces.append("last training loss \(fixed(loss, 4))")
        }
        return pieces.joined(separator: ", ")
    }
}
