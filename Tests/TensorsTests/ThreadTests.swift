import CKernels
import Foundation
import Synchronization
import Tensors
import Testing

/// The pool of threads under everything. One test at a time: a job that finds the pool taken runs on its caller alone,
/// which tests nothing.
@Suite("Threads", .serialized, .timeLimit(.minutes(5)))
struct ThreadTests {
    /// How often each item of a job was done.
    private final class Counters: @unchecked Sendable {
        let counts: UnsafeMutablePointer<Atomic<Int>>
        let count: Int

        init(_ count: Int) {
            self.count = count
            counts = .allocate(capacity: max(1, count))
            for i in 0..<count { (counts + i).initialize(to: Atomic(0)) }
        }

        deinit {
            counts.deinitialize(count: count)
            counts.deallocate()
        }

        var all: [Int] { (0..<count).map { counts[$0].load(ordering: .relaxed) } }

        /// Runs the job that counts.
        func run(threads: Int) {
            gpt_parallel(
                Int32(threads), Int64(count),
                { context, i in
                    let counts = context?.assumingMemoryBound(to: Atomic<Int>.self)
                    counts?[Int(i)].add(1, ordering: .relaxed)
                }, counts)
        }
    }

    @Test(
        "Every item is done exactly once", arguments: [0, 1, 2, 3, 4, 7, 64, 255, 300, -1],
        [0, 1, 2, 3, 5, 100, 1000, 20_000])
    func exactlyOnce(threads: Int, count: Int) {
        let counters = Counters(count)
        counters.run(threads: threads)
        #expect(counters.all.allSatisfy { $0 == 1 })
    }

    @Test("Many jobs one after another, of more threads than cores")
    func manyJobs() {
        let counters = Counters(37)
        for round in rounds(atMost: 30_000) { counters.run(threads: 1 + round % 9) }
        #expect(Set(counters.all).count == 1)
    }

    @Test("Jobs after pauses long enough for the workers to fall asleep")
    func afterSleep() {
        let counters = Counters(50)
        for round in 1...15 {
            counters.run(threads: 4)
            #expect(counters.all.allSatisfy { $0 == round })
            usleep(8000)
        }
    }

    @Test("Jobs from many threads at once")
    func concurrentJobs() {
        let callers = (0..<8).map { _ in (counters: Counters(64), jobs: Counters(1)) }
        let finished = DispatchGroup()
        for caller in callers {
            finished.enter()
            let thread = Thread {
                for round in rounds(atMost: 20_000) {
                    caller.counters.run(threads: 2 + round % 3)
                    caller.jobs.run(threads: 1)
                }
                finished.leave()
            }
            thread.start()
        }
        finished.wait()
        for caller in callers { #expect(caller.counters.all.allSatisfy { [$0] == caller.jobs.all }) }
    }

    @Test("Jobs within jobs", arguments: [1, 2, 4])
    func nested(threads: Int) {
        let counters = Counters(400)
        for _ in 0..<50 {
            gpt_parallel(
                Int32(threads), 20,
                { context, i in
                    struct Inner {
                        var counts: UnsafeMutablePointer<Atomic<Int>>?
                        var first: Int
                    }
                    var inner = Inner(counts: context?.assumingMemoryBound(to: Atomic<Int>.self), first: Int(i) * 20)
                    gpt_parallel(
                        4, 20,
                        { context, j in
                            let inner = context?.assumingMemoryBound(to: Inner.self).pointee
                            if let inner { inner.counts?[inner.first + Int(j)].add(1, ordering: .relaxed) }
                        }, &inner)
                }, counters.counts)
        }
        #expect(counters.all.allSatisfy { $0 == 50 })
    }

    /// A job is over when the call returns: what its items wrote, however long they took, is there to read.
    @Test("What the items wrote is seen by the caller", arguments: [2, 3, 9])
    func visibility(threads: Int) {
        var values = [Int](repeating: 0, count: 40)
        for round in rounds(atMost: 3000) {
            values.withUnsafeMutableBytes { bytes in
                gpt_parallel(
                    Int32(threads), 40,
                    { context, i in
                        // The last items take longest, so that the caller has nothing left to do before they are done.
                        let clock = ContinuousClock(), end = clock.now + .microseconds(i > 35 ? 20 : 0)
                        while clock.now < end {}
                        context?.assumingMemoryBound(to: Int.self)[Int(i)] += 1
                    }, bytes.baseAddress)
            }
            if values.contains(where: { $0 != round + 1 }) {
                Issue.record("round \(round) was not complete")
                break
            }
        }
    }

    @Test("Kernels called from many threads at once give the bits of one")
    func kernelsFromManyThreads() {
        var random = Philox(1)
        let x = Tensor.normal([40, 100], deviation: 1, using: &random)
        let w = Tensor.normal([100, 90], deviation: 1, using: &random)
        @Sendable func product() -> [Float] { Linear(hasBias: false).forward([x, w], recording: false).output.values }
        let expected = product(), wrong = Counters(1), finished = DispatchGroup()
        for _ in 0..<6 {
            finished.enter()
            let thread = Thread {
                for _ in 0..<60 where product() != expected { wrong.counts[0].add(1, ordering: .relaxed) }
                finished.leave()
            }
            thread.start()
        }
        finished.wait()
        #expect(wrong.all == [0])
    }

    @Test("Scratch memory is aligned, its own for each thread and slot, and grows")
    func scratch() {
        for floats in [1, 100, 5000, 10] as [Int64] {
            let slots = [GPT_SCRATCH_SHARED, GPT_SCRATCH_PACK, GPT_SCRATCH_OPERATION].map {
                UInt(bitPattern: gpt_scratch(Int32($0), floats))
            }
            #expect(slots.allSatisfy { $0 % 64 == 0 && $0 != 0 })
            #expect(Set(slots).count == 3)
        }
    }
}

@Suite("Execution")
struct ExecutionTests {
    @Test("The machine runs scalar kernels, and prefers one it has")
    func available() {
        #expect(InstructionSet.available.contains(.scalar))
        #expect(InstructionSet.available.contains(Execution.preferred))
        #expect(Execution.physicalCores >= 1)
        #expect(!gpt_supports(-1) && !gpt_supports(99))
    }

    @Test("The number of threads is bounded", arguments: [(-3, 1), (0, 1), (1, 1), (255, 255), (100_000, 255)])
    func threads(asked: Int, given: Int) { #expect(Execution(threads: asked).threads == given) }

    @Test("It is bound to a task, and the default elsewhere")
    func taskLocal() async {
        let before = Execution.current
        await Execution.$current.withValue(Execution(instructionSet: .scalar, threads: 3)) {
            #expect(Execution.current == Execution(instructionSet: .scalar, threads: 3))
            await Task { #expect(Execution.current.threads == 3) }.value
        }
        #expect(Execution.current == before)
    }
}

/// 0, 1, 2, ... up to a number of rounds, or what fits in a second and a half on a machine that is busy.
private func rounds(atMost limit: Int) -> some Sequence<Int> {
    let clock = ContinuousClock(), end = clock.now + .milliseconds(1500)
    return sequence(first: 0) { $0 + 1 < limit && clock.now < end ? $0 + 1 : nil }
}
