import StrictJSON

/// Where the data of a run are from, so that a resumed run can read them again. Paths are absolute; `-` is standard input.
public enum DataOrigin: Sendable, Equatable {
    /// Texts.
    case texts(TextOrigin)
    /// A table of labelled texts.
    case labelled(String, LabelledTexts.Columns)
    /// The speeches of a play, labelled with their speakers.
    case speeches(TextOrigin)
    /// A table of pairs with the names of two of its columns, or two parallel files.
    case pairs([String], source: String?, target: String?)
    /// Pairs of dates, which are generated.
    case dates

    package var json: JSON {
        switch self {
        case .texts(let origin): return origin.json
        case .labelled(let path, let columns):
            var object = JSONObject([
                ("labelled", .string(path)), ("text_column", .string(columns.text)),
                ("label_column", .string(columns.label)),
            ])
            object["pair_column"] = columns.pair.map(JSON.string)
            return .object(object)
        case .speeches(let origin): return ["speeches": origin.json]
        case .pairs(let paths, let source, let target):
            var object = JSONObject([("pairs", .array(paths.map(JSON.string)))])
            object["source_column"] = source.map(JSON.string)
            object["target_column"] = target.map(JSON.string)
            return .object(object)
        case .dates: return "dates"
        }
    }

    package init(_ json: JSON) throws(MalformedRecord) {
        let record = JSONRecord(json)
        if json == "dates" {
            self = .dates
        } else if json["labelled"] != nil {
            self = .labelled(
                try record.string("labelled"),
                LabelledTexts.Columns(
                    text: try record.string("text_column"), pair: try record.optionalString("pair_column"),
                    label: try record.string("label_column")))
        } else if let play = json["speeches"] {
            self = .speeches(try TextOrigin(play))
        } else if let paths = json["pairs"]?.arrayValue?.compactMap(\.stringValue), (1...2).contains(paths.count) {
            self = .pairs(
                paths, source: try record.optionalString("source_column"),
                target: try record.optionalString("target_column"))
        } else {
            self = .texts(try TextOrigin(json))
        }
    }

    /// The files that the data are read from; none if they are downloaded, built in or generated.
    public var paths: [String] {
        switch self {
        case .texts(.files(let paths)), .speeches(.files(let paths)), .pairs(let paths, _, _): paths
        case .labelled(let path, _): [path]
        case .texts, .speeches, .dates: []
        }
    }

    /// The same data in files at other paths.
    public func replacingPaths(_ replacement: (String) -> String) -> DataOrigin {
        switch self {
        case .texts(.files(let paths)): .texts(.files(paths.map(replacement)))
        case .speeches(.files(let paths)): .speeches(.files(paths.map(replacement)))
        case .pairs(let paths, let source, let target): .pairs(paths.map(replacement), source: source, target: target)
        case .labelled(let path, let columns): .labelled(replacement(path), columns)
        case .texts, .speeches, .dates: self
        }
    }
}

extension LabelledTexts {
    /// The labelled texts of a run.
    /// - Parameters:
    ///   - origin: a table, or a play.
    ///   - labels: the labels that a model has, in its order; nil if the data define them.
    ///   - notice: called as in `TextSource.read`.
    ///   - willDownload: called before a text is downloaded.
    /// - Returns: nil if data of this origin have no labels.
    /// - Throws: why they are not available, in one line.
    public static func read(
        _ origin: DataOrigin, labels: [String]? = nil, notice: (String) -> Void = { _ in },
        willDownload: () -> Void = {}
    ) throws -> LabelledTexts? {
        switch origin {
        case .labelled(let path, let columns): try read(path, columns: columns, labels: labels, notice: notice)
        case .speeches(let play):
            try play.texts(notice: notice, willDownload: willDownload).first.map {
                try Speeches.labelled($0)
            }
        case .texts, .pairs, .dates: nil
        }
    }
}

extension TextPairs {
    /// The pairs of a table or of two parallel files.
    /// - Parameters:
    ///   - origin: where they are from.
    ///   - notice: called as in `read` for files.
    /// - Returns: nil if the origin is no file of pairs.
    /// - Throws: why they are not available, in one line.
    public static func read(_ origin: DataOrigin, notice: (String) -> Void = { _ in }) throws -> TextPairs? {
        guard case .pairs(let paths, let source, let target) = origin else { return nil }
        return try paths.count == 2
            ? read(sources: paths[0], targets: paths[1], notice: notice)
            : read(paths[0], source: source, target: target, notice: notice)
    }

    /// The pairs of a run for training and validation.
    /// - Parameters:
    ///   - origin: a table, two parallel files, or dates.
    ///   - validation: the share for validation. Of dates it does not change the numbers of pairs.
    ///   - seed: what decides which pairs are for validation.
    ///   - notice: called as in `read` for files.
    /// - Returns: nil if data of this origin are no pairs.
    /// - Throws: why they are not available, in one line.
    public static func read(
        _ origin: DataOrigin, validation: Double, seed: UInt64, notice: (String) -> Void = { _ in }
    ) throws -> (training: TextPairs, validation: TextPairs)? {
        if origin == .dates { return DatePairs.make(seed: seed) }
        return try read(origin, notice: notice)?.split(validation: validation, seed: seed)
    }
}
