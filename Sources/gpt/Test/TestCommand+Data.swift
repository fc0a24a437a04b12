import GPTKit
import StrictJSON

// Evaluation of classifiers and translators on tables.
extension TestCommand {
    func testOnData() throws {
        try model.execution.execute(with: precision) {
            let saved = try model.files.load(model.model, precision, replacement)
            switch saved.model.form {
            case .encoder: try testClassifier(saved)
            case .encoderDecoder: try testTranslator(saved)
            case .neural, .counted, .other:
                throw CommandFailure(
                    "\(model.model) is a model of type '\(saved.model.modelType)', which continues texts; evaluate it with --text"
                )
            }
        }
    }

    /// Rejects options that do not apply to a task.
    private func requireEffects(on task: TaskKind) throws {
        if let problem = table.problem(for: task) { throw CommandFailure(problem) }
    }

    private func testClassifier(_ saved: SavedModel) throws {
        try requireEffects(on: .classify)
        if let option = search.given.first {
            throw CommandFailure("\(option) applies to a translator, and \(model.model) is a classifier; leave it out")
        }
        let classifier = try TextClassifier(saved)
        let record = RunRecord(directory: model.model)
        let texts = try LabelledTexts.read(
            table.origin(.classify, known: record?.origin), labels: classifier.labels, notice: { note($0) })
        guard let texts else { preconditionFailure("a table has labels") }
        let clock = ContinuousClock(), start = clock.now
        let evaluation = try ClassifierEvaluation(classifier, on: texts) { share in
            if errorsAreTerminal { show("\revaluating: \(min(99, Int(100 * share)))%") }
        }
        let seconds = (clock.now - start) / .seconds(1)
        if errorsAreTerminal { show("\r\u{1B}[K") }
        let report = ClassifierReport(evaluation.score, baselines: baselines(record, on: texts))
        for line in report.lines { try writeLine(line) }
        try writeLine()
        try writeLine(
            "loss \(fixed(evaluation.loss, 4)) nats per text; \(counted(texts.examples.count, "text")) in \(duration(seconds))"
        )
        if json {
            let members = [("loss", JSON.double(evaluation.loss)), ("seconds", .double(seconds))] + report.members
            try writeLine(JSON.object(JSONObject(members)).serialized())
        }
    }

    /// The baselines from the texts that the model has learned from; nil, with a remark, if they are not available.
    private func baselines(_ record: RunRecord?, on texts: LabelledTexts) -> ClassifierReport.Baselines? {
        guard let record else {
            note("The baselines are left out: \(model.model) has no record of the texts that it has learned from.")
            return nil
        }
        do {
            let training = try record.trainingTexts()
            // The model may have been trained further with other labels.
            guard training.labels == texts.labels else { return nil }
            return ClassifierReport.Baselines(training, on: texts)
        } catch {
            note("The baselines are left out: \(commandMessage(error)).")
            return nil
        }
    }

    private func testTranslator(_ saved: SavedModel) throws {
        try requireEffects(on: .translate)
        var translator = try Translator(saved)
        try search.apply(to: &translator, model.model)
        let origin = table.origin(.translate, known: RunRecord(directory: model.model)?.origin)
        guard let pairs = try TextPairs.read(origin, notice: { note($0) }) else {
            preconditionFailure("a table of pairs")
        }
        let clock = ContinuousClock(), start = clock.now
        let evaluation = try replacement.suggesting {
            try TranslationEvaluation(translator, on: pairs, replacing: replacement.scalar) { share in
                if errorsAreTerminal { show("\revaluating: \(min(99, Int(100 * share)))%") }
            }
        }
        let seconds = (clock.now - start) / .seconds(1)
        if errorsAreTerminal { show("\r\u{1B}[K") }
        let time = "\(duration(seconds)) for \(counted(pairs.pairs.count, "pair"))"
        for line in aligned(evaluation.table + [["time", time]], left: [0, 1]) { try writeLine(line) }
        if json {
            var object = evaluation.json
            object["seconds"] = .double(seconds)
            try writeLine(JSON.object(object).serialized())
        }
    }
}
