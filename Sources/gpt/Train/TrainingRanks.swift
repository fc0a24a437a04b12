import ArgumentParser
import Files
import GPTKit
import MessagePassing
import Platform
import StrictJSON
import Synchronization

/// The processes that train together, the ranks: those that `mpirun` has started, or this one alone.
///
/// All ranks run the same command. The first one, rank 0, prepares the run (downloads, the cache, the directory), and the others
/// do the same after it, silently and without a directory. Before the first step they compare what they have (`RankRecord`). From
/// then on rank 0 decides (`Trainer`). An error ends all of them: the rank where it occurs reports it to the
/// others, and rank 0 prints it.
final class TrainingRanks: Sendable {
    let communicator: any Communicator
    private let mpi: MPICommunicator?
    /// The default number of threads of this rank; nil for that of the machine.
    let threads: Int?
    private let phase = Mutex(Phase.preparingFirst)
    /// The speed of training of one rank, as rank 0 has measured it; 0 where it was not measured.
    private let speed = Mutex(0.0)

    /// Which ranks wait for which.
    private enum Phase {
        /// Rank 0 prepares the run, and the others wait.
        case preparingFirst
        /// Rank 0 is ready, and the others prepare.
        case preparingOthers
        /// All ranks have compared what they have.
        case joined
    }

    /// The ranks of the command that runs now.
    @TaskLocal static var current = TrainingRanks()

    /// A process by itself.
    private init() {
        communicator = SingleProcess()
        mpi = nil
        threads = nil
    }

    /// The processes of a launcher.
    private init(_ launcher: Launcher) throws {
        let mpi = try MPICommunicator(launcher, library: Launcher.wantedLibrary)
        self.mpi = mpi
        communicator = mpi
        // Ranks on the same processors share their cores. A launcher may have given each rank some of its own.
        let place = Array((MPICommunicator.host + " " + Execution.allowedProcessors).utf8)
        let sharing = try mpi.gather(place).count { $0 == place }
        threads = max(1, Execution.physicalCores / sharing)
    }

    /// Whether this is rank 0, which prints and writes.
    var isFirst: Bool { communicator.rank == 0 }

    /// "2 threads", "4 ranks of 2 threads".
    var processors: String {
        let threads = counted(Execution.current.threads, "thread")
        return communicator.size > 1 ? "\(communicator.size) ranks of \(threads)" : threads
    }

    // MARK: Beginning and end

    /// Runs `body` on all ranks.
    static func run(_ body: (TrainingRanks) throws -> Void) throws {
        guard let launcher = Launcher.current, launcher.size > 1, Launcher.wantedLibrary != "none" else {
            return try body(current)
        }
        outputIsSilent.store(launcher.rank > 0, ordering: .relaxed)
        let ranks: TrainingRanks
        do { ranks = try TrainingRanks(launcher) } catch {
            // Machines differ in what is installed, so the first rank of each machine says so. The others wait until it has, because
            // a launcher ends all of them as soon as one has failed.
            if launcher.localRank > 0 { sleep(1) } else { outputIsSilent.store(false, ordering: .relaxed) }
            if launcher.rank == 0 { throw error }
            throw CommandFailure("rank \(launcher.rank) on \(MPICommunicator.host): \(commandMessage(error))")
        }
        outputIsSilent.store(!ranks.isFirst, ordering: .relaxed)
        var failure: (any Error)?
        do { try $current.withValue(ranks) { try body(ranks) } } catch { failure = error }
        try ranks.end(failure)
    }

    /// Ends the process, with a message of rank 0, if a launcher of MPI has started several. For commands that would do the same as
    /// often.
    static func requireOneProcess() {
        guard let launcher = Launcher.current, launcher.size > 1, Launcher.wantedLibrary != "none",
            launcher.kind == .openMPI || launcher.kind == .hydra
        else { return }
        // Launchers end all processes when one has failed, so only the one that has something to say fails.
        if launcher.rank > 0 { exit(0) }
        note(
            "gpt: only 'gpt train' and 'gpt bench scale' run on several ranks; start this command without \(launcher.name)"
        )
        exit(1)
    }

    /// Ends the ranks together.
    private func end(_ failure: (any Error)?) throws {
        do {
            if failure is MessagePassingError { throw failure! }
            switch phase.withLock({ $0 }) {
            case .preparingFirst:
                // There is nothing to train, or it cannot be trained. The others have waited, and know.
                if isFirst { _ = try announcePreparation(failure == nil ? 1 : 2) }
            case .preparingOthers:
                let reason = failure.map { commandMessage($0) } ?? "it has nothing to train"
                do { try compare(RankRecord(host: MPICommunicator.host, failure: reason)) } catch is OtherRankFailed {}
            case .joined: break
            }
            try communicator.wait()
            mpi?.finalize { [isFirst] in
                let failure = isFirst || failure is ExitCode ? failure : nil
                let status = failure.map { report($0) } ?? .success
                fflush(nil)
                _exit(status.rawValue)
            }
        } catch {
            outputIsSilent.store(false, ordering: .relaxed)
            note("gpt: \(commandMessage(error))")
            mpi?.abort(status: 1)
        }
        // Rank 0 reports a failure of any rank. Launchers end all processes as soon as one has failed, so only rank 0 does.
        if let failure, isFirst || failure is ExitCode { throw failure }
    }

    /// Rank 0 has found that there is nothing to train.
    private struct NothingToDo: Error {}

    /// Waits, on all ranks but rank 0, until rank 0 has prepared the run.
    func waitForFirst() throws {
        guard communicator.size > 1, !isFirst else { return }
        switch try announcePreparation(0) {
        case 0: phase.withLock { $0 = .preparingOthers }
        case 1: throw NothingToDo()
        default: throw OtherRankFailed()
        }
    }

    /// Announces to the other ranks how the preparation of rank 0 ended, and the speed that it measured.
    /// - Parameter result: 0 if it is ready, 1 if there is nothing to do, 2 if it has failed; that of rank 0 counts.
    /// - Returns: the result of rank 0.
    private func announcePreparation(_ result: UInt8) throws -> UInt8 {
        let measured = speed.withLock { $0 }
        let bytes = try communicator.broadcast([result] + measured.bitPattern.messageBytes)
        speed.withLock { $0 = Double(bitPattern: UInt64(messageBytes: bytes[1...])) }
        return bytes[0]
    }

    /// The floating-point operations a second of all ranks together, on the assumption that they are as fast as rank 0.
    /// - Parameter measure: measures the speed of this rank; called on rank 0 only, so that all ranks choose the same model.
    func trainingSpeed(measure: () -> Double) -> Double {
        if isFirst {
            let measured = measure()
            speed.withLock { $0 = measured }
        }
        return Double(communicator.size) * speed.withLock { $0 }
    }

    /// Begins work for which no rank has to prepare anything.
    func beginTogether() { phase.withLock { $0 = .joined } }

    /// Compares what the ranks have prepared. From then on the trainer shares its steps with them.
    func join<Task>(_ trainer: Trainer<Task>, _ tokenizer: any Tokenizer) throws {
        guard communicator.size > 1 else { return }
        if isFirst {
            _ = try announcePreparation(0)
            phase.withLock { $0 = .preparingOthers }
        }
        try compare(
            RankRecord(host: MPICommunicator.host, program: Self.program, trainer, tokenizer: tokenizer))
        trainer.communicator = communicator
    }

    private func compare(_ record: RankRecord) throws {
        let records = try communicator.gather(record.bytes).map { try RankRecord($0) }
        phase.withLock { $0 = .joined }
        guard let problem = RankRecord.problem(records) else { return }
        if isFirst, records[0].failure == nil { throw CommandFailure(problem) }
        throw OtherRankFailed()
    }

    /// A hash of the program, or its version where its file cannot be read.
    private static var program: String {
        (try? SHA256.hexDigest(ofFile: "/proc/self/exe")) ?? GPT.configuration.version
    }

    // MARK: Shares of a step

    /// Cuts a batch that is not accumulated into as many micro-batches as there are ranks, with a message.
    /// - Parameters:
    ///   - settings: those of a new run.
    ///   - quiet: whether no message is printed.
    func share(_ settings: inout TrainingSettings, quiet: Bool) throws {
        guard communicator.size > 1 else { return }
        if settings.model.kind == .ngram {
            throw CommandFailure("an n-gram model is counted by one process: start 'gpt train' without mpirun")
        }
        let size = communicator.size
        guard settings.accumulate == 1 else { return remarkOnShares(of: settings, quiet: quiet) }
        guard settings.batch % size == 0 else {
            let next = (settings.batch / size + 1) * size
            throw CommandFailure(
                "a batch of \(settings.batch) cannot be cut into \(size) equal parts, one for each rank: give --batch \(next), "
                    + "or the number of micro-batches with --accumulate")
        }
        settings.batch /= size
        settings.accumulate = size
        if quiet { return }
        note(
            "Each batch of \(settings.batch * size) is cut into \(size) micro-batches of \(settings.batch), one for each rank. "
                + "One process with --batch \(settings.batch) --accumulate \(size) computes the same weights.")
    }

    /// Prints a message if some ranks have less to compute than others.
    /// - Parameters:
    ///   - settings: those of the run.
    ///   - quiet: whether no message is printed.
    func remarkOnShares(of settings: TrainingSettings, quiet: Bool) {
        let (count, size) = (settings.accumulate, communicator.size)
        guard size > 1, count % size != 0, !quiet else { return }
        note(
            "The \(counted(count, "micro-batch", "micro-batches")) of a step cannot be shared evenly by \(size) ranks, so some "
                + "of these wait for others.")
    }

    /// Rejects standard input, which only rank 0 has.
    func requireFiles(_ paths: [String]) throws {
        guard communicator.size > 1, paths.contains("-") else { return }
        throw CommandFailure(
            "only one of the ranks has standard input: give a file that all ranks can read instead of -")
    }
}

extension Execution {
    /// The processors that this process may use, as Linux lists them; empty on other systems.
    fileprivate static var allowedProcessors: String {
        guard let status = try? TextFile.bytes("/proc/self/status") else { return "" }
        return String(decoding: status, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed_list:") }.map(String.init) ?? ""
    }
}
