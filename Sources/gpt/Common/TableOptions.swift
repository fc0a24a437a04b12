import ArgumentParser
import GPTKit

/// A table of labelled texts or of pairs, and its columns.
struct TableOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A table of labelled texts for a classifier, or of texts and their translations for a translator: .csv, .tsv or "
                + ".jsonl. For a translator --data can be given twice: a file with a source text on each line, and a file with "
                + "their translations. (default: none in 'gpt test'; in 'gpt train', for classify the speeches of tiny Shakespeare "
                + "and who speaks them, for translate dates in words and in digits)",
            valueName: "file"))
    var data: [String] = []

    @Option(
        help: ArgumentHelp("For classify, the column of the texts. (default: text)", valueName: "name"))
    var textColumn: String?

    @Option(
        help: ArgumentHelp(
            "For classify, the column of second texts, if each row has two. (default: none)", valueName: "name"))
    var pairColumn: String?

    @Option(help: ArgumentHelp("For classify, the column of the labels. (default: label)", valueName: "name"))
    var labelColumn: String?

    @Option(
        help: ArgumentHelp(
            "For translate, the column of the texts to translate. (default: the first column)", valueName: "name"))
    var sourceColumn: String?

    @Option(
        help: ArgumentHelp(
            "For translate, the column of their translations. (default: the first other column)", valueName: "name"))
    var targetColumn: String?

    func validate() throws {
        try requireNames(data)
        try requireOneInput(data)
        if data.count > 2 {
            throw ValidationError("A table is one file, or two parallel files: give at most two --data.")
        }
        if data.count == 2, let column = sourceColumn ?? targetColumn {
            let option = column == sourceColumn ? "--source-column" : "--target-column"
            throw ValidationError("Two parallel files have no columns: leave out \(option).")
        }
    }

    /// The options that were given, and the tasks that they apply to.
    var given: [(option: String, tasks: [TaskKind])] {
        let options: [(String, Bool, [TaskKind])] = [
            ("--data", !data.isEmpty, [.classify, .translate]), ("--text-column", textColumn != nil, [.classify]),
            ("--pair-column", pairColumn != nil, [.classify]), ("--label-column", labelColumn != nil, [.classify]),
            ("--source-column", sourceColumn != nil, [.translate]),
            ("--target-column", targetColumn != nil, [.translate]),
        ]
        return options.filter(\.1).map { ($0.0, $0.2) }
    }

    /// What is wrong with the options for a task, in a sentence; nil if nothing is.
    func problem(for task: TaskKind) -> String? {
        for (option, tasks) in given where !tasks.contains(task) {
            let names = tasks.map(\.rawValue).joined(separator: " or ")
            return "\(option) applies to the task \(names) only: leave it out."
        }
        return task == .classify && data.count > 1 ? "A table of labelled texts is one file: give one --data." : nil
    }

    /// Where the data are from.
    /// - Parameters:
    ///   - task: the task that they are for.
    ///   - known: the columns that a model was trained with, which are the defaults.
    func origin(_ task: TaskKind, known: DataOrigin? = nil) -> DataOrigin {
        guard task == .classify else {
            var (source, target) = (sourceColumn, targetColumn)
            if data.count == 1, case .pairs(_, let knownSource, let knownTarget)? = known {
                (source, target) = (source ?? knownSource, target ?? knownTarget)
            }
            return .pairs(data, source: source, target: target)
        }
        var columns = LabelledTexts.Columns()
        if case .labelled(_, let known)? = known { columns = known }
        if let textColumn { columns.text = textColumn }
        if let pairColumn { columns.pair = pairColumn }
        if let labelColumn { columns.label = labelColumn }
        return .labelled(data[0], columns)
    }
}
