import Foundation
import TestSupport
import Testing

/// Every system call by which the command reads or changes files fails once, or the process is killed before it.
///
/// The command must then end with one line and status 1, or with status 0 and the right results. It must leave the
/// files that existed before, or all of its results, and the remaining files must be usable. A sample of the faults is
/// injected here; with `GPT_FAULTS=all` (`Scripts/faults`) all of them.
@Suite("Injected faults", .enabled(if: FaultLibrary.path != nil, "needs Linux with glibc, and a C compiler"))
struct FaultTests {
    private static let injectsAll = ProcessInfo.processInfo.environment["GPT_FAULTS"] == "all"
    /// The number of faults in the sample of a command.
    private static let sampleSize = 14

    @Test("A failing call ends in one line and leaves nothing incomplete", arguments: FaultJob.all)
    func failing(_ job: FaultJob) throws {
        try inject(job) { call in Fault.errors[call.kind] ?? [] }
    }

    @Test("After a kill the command can be repeated or resumed", arguments: FaultJob.all)
    func killed(_ job: FaultJob) throws {
        try inject(job) { call in Fault.killed.contains(call.kind) ? ["kill"] : [] }
    }

    private func inject(_ job: FaultJob, actions: (Fault) -> [String]) throws {
        let whole = try job.workplace()
        let before = FaultJob.tree(whole.path)
        let (result, calls) = try FaultLibrary.run(job.commandLine, in: whole.path)
        try #require(result.status == 0, "\(result.errorText)")
        let after = FaultJob.tree(whole.path)
        for name in job.results { #expect(after[name] != nil, "\(name)") }
        #expect(calls.count > 10, "the calls are counted")

        let faults = calls.flatMap { call in
            actions(call).map { Fault(kind: call.kind, number: call.number, action: $0, detail: call.detail) }
        }
        try #require(!faults.isEmpty)
        var outcomes: [String: Int] = [:]
        for fault in Self.injectsAll ? faults : sample(of: faults, job) {
            let trial = FaultTrial(job: job, fault: fault, before: before, after: after)
            do { outcomes[fault.kind + " " + (try trial.run()), default: 0] += 1 } catch {
                Issue.record("\(job.testDescription): \(fault): \(error)")
            }
        }
        if Self.injectsAll {
            for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) {
                print("faults\t\(job.testDescription)\t\(outcome)\t\(count)")
            }
        }
    }

    /// A sample of the faults of each kind of call: different for each command, and the same in every run.
    private func sample(of faults: [Fault], _ job: FaultJob) -> [Fault] {
        var generator = SeededGenerator(seed: job.testDescription.utf8.reduce(0) { 31 &* $0 &+ UInt64($1) })
        let kinds = Dictionary(grouping: faults, by: \.kind).sorted { $0.key < $1.key }.map(\.value)
        return kinds.flatMap { $0.shuffled(using: &generator).prefix(max(1, Self.sampleSize / kinds.count)) }
    }
}

/// One fault, and the checks after it.
struct FaultTrial {
    let job: FaultJob
    let fault: Fault
    /// The contents of the directory before the command, and after one without faults.
    let before: [String: Data]
    let after: [String: Data]

    struct Failure: Error, CustomStringConvertible { let description: String }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Failure(description: message()) }
    }

    /// - Returns: the outcome, in a word or two.
    func run() throws -> String {
        let directory = try job.workplace()
        let (result, calls) = try FaultLibrary.run(job.commandLine, in: directory.path, fault: fault)
        let wasInjected = calls.contains { $0.kind == "fault" }
        let left = FaultJob.tree(directory.path)
        if wasInjected, fault.action == "kill" {
            try require(result.status == 128 + SIGKILL, "status \(result.status), not killed")
            try recover(in: directory, left)
            return "killed"
        }
        let complaints = result.errorLines.filter { $0.hasPrefix("gpt: ") }
        let temporaries = left.keys.filter { $0.contains(".swift-gpt-temporary-") }
        try require(temporaries.isEmpty, "left \(temporaries)")
        if result.status == 0 {
            try require(complaints.isEmpty, "status 0 and \(complaints)")
            try require(isComplete(left), "status 0 and other results")
            return wasInjected ? "without effect" : "not reached"
        }
        try require(result.status == 1, "status \(result.status): \(result.errorText)")
        try require(!fault.isHarmless, "\(result.errorText)")
        try require(complaints.count == 1 && result.errorLines.last == complaints[0], "said: \(result.errorText)")
        try require(
            left == before || isComplete(left) || job.run.map { isUsable($0, left) } == true,
            "left \(left.keys.sorted()) after: \(complaints[0])")
        try recover(in: directory, left)
        return "one line"
    }

    private func isComplete(_ tree: [String: Data]) -> Bool { job.results.allSatisfy { tree[$0] == after[$0] } }

    /// Whether there is a save to resume from.
    private func isUsable(_ run: String, _ tree: [String: Data]) -> Bool {
        tree[run + "/training/latest.safetensors"] != nil
    }

    /// Repeats or resumes the command with the remaining files, and checks that it has the same results.
    private func recover(in directory: TemporaryDirectory, _ left: [String: Data]) throws {
        func gpt(_ arguments: [String]) throws {
            let result = try runCommand(arguments, directory: directory.path)
            try require(
                result.status == 0,
                "\(left.keys.sorted()) was left; then gpt \(arguments.joined(separator: " ")): \(result.errorText)")
        }
        if let run = job.run, isUsable(run, left) {
            try gpt(["info", run])
            try gpt(["generate", run, "--length", "3", "--seed", "1"])
            if job.before.contains("run") {
                try gpt(job.commandLine)
            } else {
                try gpt(["train", "--resume", run, "--quiet", "--threads", "1"])
            }
        } else if !isComplete(left) {
            try gpt(job.commandLine)
        }
        let tree = FaultJob.tree(directory.path)
        try require(isComplete(tree), "resumed, it has different results")
        // Files that were moved aside are unchanged.
        let outs = Set(job.results.map { $0.split(separator: "/").dropLast().joined(separator: "/") })
        let temporaries = tree.keys.filter { name in
            outs.contains { name.hasPrefix($0.isEmpty ? "." : $0 + "/.") } && name.contains(".swift-gpt-temporary-")
        }
        try require(temporaries.isEmpty, "resumed, it leaves \(temporaries)")
    }
}
