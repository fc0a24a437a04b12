import Corpus
import Inference
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Training

@Suite("Runs of tasks")
struct TaskRunTests {
    /// Runs a task whole, and another time stopped and resumed.
    private func resumed<Source: TaskSource>(_ source: Source, _ task: TaskKind, _ origin: DataOrigin) throws {
        let directory = TemporaryDirectory()
        var settings = TinyTasks.settings(task, steps: 14)
        settings.evaluateEvery = 5
        settings.saveEvery = 3
        func begin(_ name: String) throws -> TaskRun<Source> {
            try TaskRun(settings, source, origin: origin, directory: { directory.file(name) })
        }
        let whole = try begin("whole")
        let outcome = try #require(try whole.run())
        do {
            let partial = try begin("partial")
            #expect(try partial.run(shouldStop: { partial.trainer.progress.step >= 8 }) == nil)
        }
        let saved = try SavedRun(directory.file("partial"))
        #expect(saved.settings.task == task && saved.origin == origin.replacingPaths { $0 })
        let run = try saved.resume(source, origin: saved.origin, settings: saved.settings)
        let other = try #require(
            try Execution.$current.withValue(Execution(threads: 2)) { try run.run() })
        #expect(run.trainer.stateBits == whole.trainer.stateBits)
        #expect(other.result == outcome.result && other.bestStep == outcome.bestStep)
        for name in ["model.safetensors", "config.json", "tokenizer.json"] {
            #expect(
                try Fixtures.bytes(directory.file("partial/\(name)")).elementsEqual(
                    Fixtures.bytes(directory.file("whole/\(name)"))))
        }
        // The directory is a model that can be read.
        #expect(try ModelDirectory.load(directory.file("whole")).model.specification == run.settings.model)
    }

    @Test("A classifier that was stopped and resumed ends with the bits of one that was not")
    func classifier() throws {
        let settings = TinyTasks.settings(.classify, steps: 1)
        try resumed(LabelledSource(try TinyTasks.labelled(), settings), .classify, .labelled("/nouns.csv", .init()))
    }

    @Test("A masked language model that was stopped and resumed ends with the bits of one that was not")
    func masked() throws {
        try resumed(MaskedSource([TinyRuns.text]), .masked, .texts(.files(["/verse.txt"])))
    }

    @Test("A translator that was stopped and resumed ends with the bits of one that was not")
    func translator() throws {
        let (training, validation) = TinyTasks.pairs
        try resumed(PairSource(training: training, validation: validation), .translate, .dates)
    }

    @Test("Other data, other settings and other labels are refused by name")
    func changes() throws {
        let directory = TemporaryDirectory(), texts = try TinyTasks.labelled()
        let settings = TinyTasks.settings(.classify, steps: 2), origin = DataOrigin.labelled("/nouns.csv", .init())
        do {
            let run = try TaskRun(
                settings, LabelledSource(texts, settings), origin: origin, directory: { directory.file("run") })
            _ = try run.run()
        }
        let saved = try SavedRun(directory.file("run"))
        let others = try LabelledTexts(
            name: "nouns", [("a", "good"), ("b", "good"), ("c", "bad"), ("d", "bad")])
        let error = #expect(throws: TrainingError.self) {
            try saved.resume(
                LabelledSource(others, settings), origin: origin, settings: saved.settings)
        }
        #expect("\(error!)".contains("nouns is not the text the run was started with"))
        var changed = saved.settings
        changed.batch = 5
        #expect(throws: TrainingError.self) {
            try saved.resume(LabelledSource(texts, settings), origin: origin, settings: changed)
        }
    }

    @Test("A classifier that starts from a masked language model has its weights, and its own head")
    func fineTuned() throws {
        let directory = TemporaryDirectory()
        let masked = try TaskRun(
            TinyTasks.settings(.masked, steps: 3), MaskedSource([TinyRuns.text]), origin: .texts(.builtIn),
            directory: { directory.file("masked") })
        _ = try masked.run()
        let start = try StartingModel(directory.file("masked"), for: .classify)
        var settings = TinyTasks.settings(.classify, steps: 1)
        start.apply(to: &settings)
        let run = try TaskRun(
            settings, LabelledSource(try TinyTasks.labelled(), settings), origin: .dates, startingFrom: start)
        let encoder = run.trainer.task.encoder
        #expect(encoder.configuration.labels == ["bad", "good"])
        #expect(encoder.tokenEmbedding.value.values == masked.trainer.task.encoder.tokenEmbedding.value.values)
        #expect(run.tokenizer.vocabularySize == masked.tokenizer.vocabularySize)
        let error = #expect(throws: TrainingError.self) { try StartingModel(directory.file("masked"), for: .translate) }
        #expect("\(error!)".contains("no encoder-decoder"))
    }

    @Test(
        "Where data are from is recorded and read again",
        arguments: [
            DataOrigin.texts(.files(["/a.txt", "-"])), .texts(.tinyShakespeare), .texts(.builtIn), .dates,
            .labelled("/a.csv", .init(text: "t", pair: "p", label: "l")), .labelled("/a.csv", .init()),
            .speeches(.builtIn), .speeches(.files(["/play.txt"])), .pairs(["/a.tsv"], source: "en", target: "es"),
            .pairs(["/a.en", "/a.es"], source: nil, target: nil),
        ])
    func origins(_ origin: DataOrigin) throws {
        #expect(try DataOrigin(JSON(parsing: Array(origin.json.serialized().utf8))) == origin)
    }

    @Test("A task and its settings are recorded and read again", arguments: TaskKind.allCases)
    func settings(_ task: TaskKind) throws {
        var settings = DefaultSettings.settings(for: task)
        if task == .classify, case .encoder(var configuration) = settings.model {
            configuration.head = .classifier(labels: ["a", "b"])
            settings.model = .encoder(configuration)
        }
        #expect(settings.problem == nil)
        #expect(try TrainingSettings(settings.json, model: settings.model) == settings)
        settings.model = task == .text ? DefaultSettings.settings(for: .classify).model : .bigram(.init())
        #expect(settings.problem?.description.contains("cannot learn the task \(task.rawValue)") == true)
    }
}
