import Models
import Testing
import Training

@Suite struct SettingEffects {
    @Test(
        "Dropout and precision change the weights of exactly the kinds of models that the table has them for",
        arguments: [ModelSpecification.Kind.bigram, .attention, .gpt])
    func effects(_ kind: ModelSpecification.Kind) throws {
        var settings = TinyRuns.settings(kind, steps: 4)
        settings.precision = .float32
        func bits(_ settings: TrainingSettings) throws -> [[UInt32]] {
            let trainer = try TinyRuns.trainer(settings)
            _ = try trainer.run()
            return trainer.bits
        }
        let before = try bits(settings)
        var dropping = settings, rounding = settings
        dropping.dropout = 0.5
        rounding.precision = .bfloat16
        for (id, changed) in [(TrainingSetting.ID.dropout, dropping), (.precision, rounding)] {
            #expect((try bits(changed) != before) == id.hasEffect(on: kind))
        }
    }
}
