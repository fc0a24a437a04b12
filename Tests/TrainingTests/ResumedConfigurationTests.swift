import Files
import Interchange
import StrictJSON
import TestSupport
import Testing
import Training

/// A run goes on only with the model that its weights and moments grew from, whatever its shape says.
@Suite struct ResumedConfigurationTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("run") }
    private var latest: String { path + "/training/latest.safetensors" }

    /// A run that stopped, with other weights of the same shape than those it saved: without a record of the files beside.
    private func begin() throws {
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(5).isOver) }
        let file = path + "/model.safetensors"
        let weights = try SafetensorsFile(path: file)
        let tensors = try weights.names.map { name in
            SafetensorsTensor(name: name, shape: try weights.shape(name), floats: try weights.floats(name))
        }
        try SafetensorsWriter.write(to: file, metadata: ["step": "0"], tensors: tensors, checksum: true)
    }

    private func edit(_ key: String, _ value: JSON) throws {
        var object = try #require(try JSON(parsing: TextFile.bytes(path + "/config.json")).objectValue)
        object[key] = value
        try directory.write(Array(JSON.object(object).serialized().utf8), to: "run/config.json")
    }

    private func refusal(acceptingEdits: Bool) -> String {
        do {
            let run = try SavedRun(path)
            _ = try run.resume(
                [TinyRuns.text], origin: run.origin, settings: run.settings, acceptingEdits: acceptingEdits)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "Another epsilon or base in config.json is found by the checkpoint alone, and by the settings of an older one",
        arguments: [("layer_norm_epsilon", 0.01), ("activation_function", "relu")] as [(String, JSON)], [true, false])
    func changed(edit change: (key: String, value: JSON), knowsConfiguration: Bool) throws {
        try begin()
        if !knowsConfiguration {
            var checkpoint = try Checkpoint(path: latest)
            #expect(checkpoint.recordsModel)
            checkpoint.recordsModel = false
            let trainer = try TinyRuns.trainer(TinyRuns.settings(steps: 1))
            try checkpoint.write(to: latest, optimizer: trainer.optimizer, moments: trainer.withBytes(of:_:))
        }
        #expect(refusal(acceptingEdits: false) == "none")
        let original = try TextFile.bytes(path + "/config.json")
        try edit(change.key, change.value)
        for accepting in [false, true] {
            let message = refusal(acceptingEdits: accepting)
            #expect(
                message.contains("config.json is not the one the run was started with: \(change.key) was"), "\(message)"
            )
            #expect(!message.contains("\n"))
        }
        try directory.write(original, to: "run/config.json")
        #expect(refusal(acceptingEdits: false) == "none")
    }

    @Test("The record of a run's files changes with none of its saves")
    func record() throws {
        do { _ = try TinyRuns.run(TinyRuns.settings(steps: 20), in: path).run(shouldStop: Countdown(5).isOver) }
        func saved() throws -> String? {
            try SafetensorsFile(path: path + "/model.safetensors").metadata["description"]
        }
        let before = try #require(try saved())
        let run = try SavedRun(path)
        let trainer = try #require(
            try run.resume([TinyRuns.text], origin: run.origin, settings: run.settings).trainer)
        _ = try trainer.run()
        #expect(try saved() == before)
        #expect((trainer.bestStep ?? 0) > 5)
    }
}
