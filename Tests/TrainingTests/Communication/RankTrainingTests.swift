import Corpus
import Files
import Foundation
import Interchange
import Models
import Synchronization
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("Training by several ranks")
struct RankTrainingTests {
    /// The settings of a run with a number of micro-batches.
    private static func settings(accumulate: Int, steps: Int = 4) -> TrainingSettings {
        var settings = TinyRuns.settings(steps: steps)
        settings.accumulate = accumulate
        settings.batch = 2
        return settings
    }

    /// What a rank has at the end.
    private struct Ending: Sendable {
        let bits: [[UInt32]]
        let end: TrainingEnd
        let metrics: [String]
    }

    private static func train(_ settings: TrainingSettings, ranks: Int, threads: Int = 1) throws -> [Ending] {
        try ThreadRanks.run(ranks) { rank in
            let trainer = try TinyRuns.trainer(settings)
            trainer.communicator = rank
            let end = try Execution.$current.withValue(Execution(threads: threads)) { try trainer.run() }
            return Ending(bits: trainer.bits, end: end, metrics: trainer.clocklessMetrics)
        }
    }

    @Test(
        "Any number of ranks computes the bits of one process",
        arguments: [1, 2, 3, 4, 5, 8, 13], [2, 3, 4, 8])
    func sameBits(_ accumulate: Int, ranks: Int) throws {
        let settings = Self.settings(accumulate: accumulate)
        let trainer = try TinyRuns.trainer(settings)
        _ = try trainer.run()
        let endings = try Self.train(settings, ranks: ranks)
        for ending in endings { #expect(ending.bits == trainer.bits && ending.end == .complete) }
        #expect(endings[0].metrics == trainer.clocklessMetrics)
    }

    @Test("Gradients that are exchanged while others are computed give the bits of one process", arguments: [2, 3])
    func overlap(_ ranks: Int) throws {
        var settings = Self.settings(accumulate: 3, steps: 3)
        settings.model = TinyRuns.sized(.gpt(.gpt2, layers: 4, heads: 2, width: 72, context: 8))
        let trainer = try TinyRuns.trainer(settings)
        _ = try trainer.run()
        let shapes = trainer.optimizer.parameters.map(\.parameter.value.shape)
        let exchange = GradientExchange(
            communicator: SingleProcess(), tree: SummationTree(count: 3), shapes: shapes)
        #expect(exchange.buckets.count > 2)
        for ending in try Self.train(settings, ranks: ranks, threads: 2) { #expect(ending.bits == trainer.bits) }
    }

    @Test("The precision and the threads make no difference to that", arguments: Precision.allCases)
    func sameBits(_ precision: Precision) throws {
        var settings = Self.settings(accumulate: 4)
        settings.precision = precision
        let one = try Self.train(settings, ranks: 1, threads: 3)
        #expect(try Self.train(settings, ranks: 2, threads: 2)[0].bits == one[0].bits)
        settings.seed += 1
        #expect(try Self.train(settings, ranks: 2)[0].bits != one[0].bits)
    }

    @Test("Other tasks compute the bits of one process too", arguments: [TaskKind.classify, .translate], [2, 3])
    func tasks(_ kind: TaskKind, ranks: Int) throws {
        @Sendable func train(_ communicator: any Communicator) throws -> [[UInt32]] {
            var settings = TinyTasks.settings(kind, steps: 3)
            settings.accumulate = 4
            func bits<Source: TaskSource>(_ source: Source) throws -> [[UInt32]] {
                let run = try TaskRun(settings, source, origin: .dates)
                run.trainer.communicator = communicator
                _ = try run.run()
                return run.trainer.stateBits
            }
            if kind == .translate {
                return try bits(PairSource(training: TinyTasks.pairs.training, validation: TinyTasks.pairs.validation))
            }
            return try bits(LabelledSource(TinyTasks.labelled(), settings))
        }
        let one = try train(SingleProcess())
        // Ranks but the first keep the last weights, which here are the best ones.
        #expect(try ThreadRanks.run(ranks) { try train($0) }[0] == one)
    }

    @Test(
        "Divided moments are those of one process, and give the same weights",
        arguments: Optimizer.Method.allCases, [2, 3, 5])
    func dividedMoments(_ method: Optimizer.Method, ranks: Int) throws {
        var settings = Self.settings(accumulate: 4)
        settings.optimizer.method = method
        let one = try TinyRuns.trainer(settings)
        _ = try one.run()
        settings.optimizerShards = ranks
        let divided = settings
        let endings = try ThreadRanks.run(ranks) { rank in
            let trainer = try TinyRuns.trainer(divided)
            trainer.communicator = rank
            _ = try trainer.run()
            let optimizer = trainer.optimizer
            let moments = optimizer.allMoments.map { optimizer.tensor(of: $0)?.values.map(\.bitPattern) ?? [] }
            return (
                weights: trainer.model.parameters.map { $0.parameter.value.values.map(\.bitPattern) },
                elements: optimizer.allMoments.map { optimizer.shard.elements[$0.parameter] }, moments: moments
            )
        }
        let weights = one.model.parameters.map { $0.parameter.value.values.map(\.bitPattern) }
        for ending in endings { #expect(ending.weights == weights) }
        for (i, moment) in one.optimizer.moments.enumerated() {
            // The parts in the order of their elements.
            let parts = endings.filter { !$0.elements[i].isEmpty }.sorted {
                $0.elements[i].lowerBound < $1.elements[i].lowerBound
            }
            #expect(parts.flatMap { $0.moments[i] } == moment.values.map(\.bitPattern))
        }
        // No rank has much more than its part.
        let floats = endings.map { $0.moments.reduce(0) { $0 + $1.count } }
        let all = one.optimizer.moments.reduce(0) { $0 + $1.count }
        let largest = one.optimizer.moments.map(\.count).max() ?? 0
        #expect(floats.reduce(0, +) == all)
        #expect((floats.max() ?? 0) <= all / ranks + largest)
    }

    @Test(
        "A run goes on with another number of ranks, and another one, whether moments are divided or not",
        arguments: [(1, 2), (2, 3), (4, 1), (3, 4)], [(false, false), (false, true), (true, false), (true, true)])
    func resumed(_ ranks: (before: Int, after: Int), divided: (before: Bool, after: Bool)) throws {
        let (before, after) = ranks
        for method in Optimizer.Method.allCases {
            let temporary = TemporaryDirectory()
            defer { withExtendedLifetime(temporary) {} }
            let directory = temporary.path
            var settings = Self.settings(accumulate: 4, steps: 12)
            settings.saveEvery = 3
            settings.optimizer.method = method
            let whole = try TinyRuns.run(settings, in: directory + "/whole")
            _ = try whole.run()
            let path = directory + "/parts"
            if divided.before { settings.optimizerShards = before }
            let begun = settings
            _ = try ThreadRanks.run(before) { rank in
                let trainer =
                    rank.rank == 0 ? try TinyRuns.run(begun, in: path) : try TinyRuns.trainer(begun)
                trainer.communicator = rank
                return try trainer.run(shouldStop: { rank.rank == 0 && trainer.progress.step == 5 })
            }
            _ = try ThreadRanks.run(after) { rank in
                // The others read what rank 0 has locked.
                for _ in 0..<100_000 where rank.rank > 0 && !RunDirectory.isInUse(path) { usleep(200) }
                let run = try SavedRun(path, isReadOnly: rank.rank > 0)
                #expect(run.progress.step == 5)
                var settings = run.settings
                if divided.after { settings.optimizerShards = after }
                let resumed = try run.resume([TinyRuns.text], origin: run.origin, settings: settings)
                resumed.trainer?.communicator = rank
                _ = try resumed.run()
                return true
            }
            for file in ["model.safetensors", "training/latest.safetensors"] {
                let bits = try ["/whole/", "/parts/"].map { path in
                    let file = try SafetensorsFile(path: directory + path + file)
                    return try file.names.sorted().map { try file.withBytes($0) { Array($0) } }
                }
                #expect(bits[0] == bits[1], "\(file)")
            }
        }
    }

    @Test("A save that fails while moments are collected ends all ranks")
    func failedSave() throws {
        final class FailingStore: TrainingStore {
            struct Full: Error {}
            var bestStep: Int?
            func keepBest(_ model: any TrainableModel, step: Int) { bestStep = step }
            func restoreBest(into model: any TrainableModel) {}
            func commit<Task>(_ trainer: Trainer<Task>) throws {
                guard trainer.progress.step > 0 else { return }
                for moment in trainer.optimizer.allMoments {
                    // All of it was received from other ranks if this rank keeps nothing of it.
                    let isReceived = trainer.optimizer.tensor(of: moment) == nil
                    try trainer.withBytes(of: moment) { _ in if isReceived { throw Full() } }
                }
            }
        }
        var settings = Self.settings(accumulate: 4, steps: 20)
        settings.saveEvery = 3
        settings.optimizerShards = 3
        let divided = settings
        let failures = try ThreadRanks.run(3) { rank in
            let trainer = try TinyRuns.trainer(divided, store: FailingStore())
            trainer.communicator = rank
            do { _ = try trainer.run() } catch { return (trainer.progress.step, "\(type(of: error))") }
            return (trainer.progress.step, "no error")
        }
        #expect(failures.map(\.0) == [3, 3, 3])
        #expect(failures.map(\.1) == ["Full", "OtherRankFailed", "OtherRankFailed"])
    }

    @Test("A stop that any rank is asked for stops all after the same step", arguments: [0, 1, 2])
    func stop(_ asked: Int) throws {
        let settings = Self.settings(accumulate: 6, steps: 1000)
        let steps = try ThreadRanks.run(3) { rank in
            let trainer = try TinyRuns.trainer(settings)
            trainer.communicator = rank
            let end = try trainer.run(shouldStop: { rank.rank == asked && trainer.progress.step >= 7 })
            #expect(end == .stopped)
            return [trainer.progress.step, trainer.optimizer.steps]
        }
        #expect(Set(steps).count == 1 && (7...8).contains(steps[0][0]), "\(steps)")
    }

    @Test("A step that rank 0 stops within is taken by no rank")
    func stopWithinStep() throws {
        let settings = Self.settings(accumulate: 6, steps: 1000)
        let steps = try ThreadRanks.run(2) { rank in
            let trainer = try TinyRuns.trainer(settings)
            trainer.communicator = rank
            var calls = 0
            // Called once before each step and twice within it.
            let end = try trainer.run(shouldStop: {
                if rank.rank == 0 { calls += 1 }
                return calls == 9
            })
            #expect(end == .stopped && trainer.model.parameters.allSatisfy { $0.parameter.gradient == nil })
            return trainer.progress.step
        }
        #expect(Set(steps).count == 1, "\(steps)")
    }

    @Test("A failure of rank 0 ends the others")
    func failure() throws {
        final class FullDisk: TrainingStore {
            struct Full: Error {}
            let bestStep: Int? = nil
            func keepBest(_ model: any TrainableModel, step: Int) throws { if step > 0 { throw Full() } }
            func restoreBest(into model: any TrainableModel) {}
            func commit<Task>(_ trainer: Trainer<Task>) {}
        }
        let settings = Self.settings(accumulate: 2, steps: 20)
        let errors = try ThreadRanks.run(3) { rank in
            let trainer = try TinyRuns.trainer(settings, store: rank.rank == 0 ? FullDisk() : MemoryStore())
            trainer.communicator = rank
            do { return "\(try trainer.run())" } catch { return "\(type(of: error))" }
        }
        #expect(errors == ["Full", "OtherRankFailed", "OtherRankFailed"])
    }

    @Test("A loss that is not finite is noticed by all ranks in the same step")
    func notFinite() throws {
        let settings = Self.settings(accumulate: 3, steps: 20)
        let errors = try ThreadRanks.run(3) { rank in
            let trainer = try TinyRuns.trainer(settings)
            trainer.communicator = rank
            func shouldStop() -> Bool {
                if rank.rank == 1, trainer.progress.step == 2 {
                    trainer.model.parameters[0].parameter.value.withElements { for i in $0.indices { $0[i] = .nan } }
                }
                return false
            }
            do {
                let end = try trainer.run(shouldStop: shouldStop)
                return "\(end)"
            } catch let TrainingError.notFinite(what, _, step) {
                return "\(what) \(step)"
            }
        }
        #expect(Set(errors).count == 1 && errors[0].hasPrefix("loss"), "\(errors)")
    }

    @Test("Each rank sends the fewest bytes that are possible, and a little more", arguments: [2, 4])
    func bytes(_ ranks: Int) throws {
        let settings = Self.settings(accumulate: ranks, steps: 10)
        let sent = try ThreadRanks.run(ranks) { rank in
            let trainer = try TinyRuns.trainer(settings)
            trainer.communicator = rank
            _ = try trainer.run()
            return [
                rank.sentBytes.load(ordering: .relaxed),
                trainer.optimizer.parameters.reduce(0) { $0 + $1.parameter.value.count },
            ]
        }
        for rank in sent.dropFirst() {
            let perStep = 2 * 4 * rank[1] * (ranks - 1) / ranks
            // And the state of the beginning, which a rank passes on to at most log2(ranks) others.
            #expect(rank[0] > 10 * perStep && rank[0] < 10 * (perStep + 200) + 2 * 12 * rank[1])
        }
    }
}
