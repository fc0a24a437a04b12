import Models
import Tensors
import Testing
import Training

@Suite("Where a step's time goes")
struct ProfileTests {
    @Test("The parts of a trainer's steps do not overlap, and every op is among them")
    func parts() throws {
        let trainer = try TinyRuns.trainer(TinyRuns.settings(steps: 7))
        let profile = Profile()
        trainer.profile = profile
        _ = try trainer.run()
        #expect(profile.steps == 7)
        #expect(profile.seconds > 0)
        #expect(profile.entries.reduce(0) { $0 + $1.seconds } <= profile.seconds)

        // One layer, two micro-batches a step; the evaluations between the steps are not counted.
        func calls(_ name: String, _ pass: Profile.Pass?) -> Int? {
            profile.entries.first { $0.name == name && $0.pass == pass }?.calls
        }
        let batches = 14
        for pass in [Profile.Pass.forward, .backward] {
            #expect(calls("Embedding", pass) == batches)
            #expect(calls("Linear", pass) == 2 * batches)
            #expect(calls("Attention", pass) == batches)
            #expect(calls("FeedForward", pass) == batches)
            #expect(calls("Add", pass) == 2 * batches)
            #expect(calls("Dropout", pass) == 3 * batches)
        }
        #expect(calls("LayerNorm", .backward) == 3 * batches)
        #expect(calls("CrossEntropy", .both) == batches)
        #expect(calls("batch", nil) == batches)
        #expect(calls("gradient norm", nil) == 7)
        #expect((calls("AdamW", nil) ?? 0) >= 7)
    }

    @Test("Nothing is measured where no profile is bound")
    func off() throws {
        let trainer = try TinyRuns.trainer(TinyRuns.settings(steps: 2))
        _ = try trainer.run()
        #expect(trainer.profile == nil && Profile.current == nil)
    }

    @Test("A profile changes no bit of what is trained")
    func sameBits() throws {
        let plain = try TinyRuns.trainer(TinyRuns.settings(steps: 5))
        let profiled = try TinyRuns.trainer(TinyRuns.settings(steps: 5))
        profiled.profile = Profile()
        _ = try plain.run()
        _ = try profiled.run()
        #expect(plain.bits == profiled.bits)
    }
}
