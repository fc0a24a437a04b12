import Files
import Platform
import Synchronization

/// Ctrl-C, `kill` and a closed terminal, for a phase that has something to save: the first signal is recorded and the phase
/// polls for it, the second ends the process at once.
///
/// Outside such a phase `endOnInterrupt` is in force, so a loop needs no check of its own, however long it takes.
enum StopSignal {
    /// What happens to the next signal: it ends the process (`atOnce`), it is recorded (`deferred`), or one has been recorded
    /// (its number) and the next ends the process. One atomic, so that no signal is lost where a phase ends.
    private static let state = Atomic<Int32>(atOnce)
    private static let atOnce: Int32 = -1
    private static let deferred: Int32 = 0

    /// The number of the signal that came during the last phase that deferred signals; 0 for none.
    private static let last = Atomic<Int32>(0)

    /// The signal that was recorded, if there was one.
    static var received: Int32? {
        let current = state.load(ordering: .relaxed)
        let number = current > 0 ? current : last.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Runs `body`, during which a signal is recorded instead of ending the process.
    ///
    /// `body` must call `shouldStop` at least every tenth of a second, or every step of a training, and return soon after it
    /// returns true. Afterwards `received` has the signal, and signals end the process again.
    static func deferring<Result>(_ body: (_ shouldStop: () -> Bool) throws -> Result) rethrows -> Result {
        state.store(deferred, ordering: .relaxed)
        defer { last.store(max(0, state.exchange(atOnce, ordering: .relaxed)), ordering: .relaxed) }
        return try body { received != nil }
    }

    /// Records a signal, where signals are deferred and this is the first. It only does what a signal handler may do.
    /// - Returns: false where the process has to end.
    fileprivate static func record(_ number: Int32) -> Bool {
        guard state.compareExchange(expected: deferred, desired: number, ordering: .relaxed).exchanged else {
            return false
        }
        let notice: StaticString =
            "\nStopping after this step and saving; a second signal ends the program at once, without saving.\n"
        _ = write(2, notice.utf8Start, notice.utf8CodeUnitCount)
        return true
    }

    fileprivate static func isIgnored(_ action: sigaction) -> Bool {
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #elseif canImport(Musl)
            let handler = action.__sa_handler.sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

/// Prepares the process for what the system may do to it. To be called before anything else.
///
/// - Memory that cannot be allocated ends the process in one line (`OutOfMemory`).
/// - A write to a closed pipe (SIGPIPE), and one beyond the limit of file sizes (SIGXFSZ), become errors like any other.
/// - A mapped file that another program shortens (SIGBUS) ends the process in one line, with status 1, and without leaving
///   temporary files.
/// - Where standard input, output or errors are closed, no other file gets that descriptor: what is meant for it must not
///   be written into a model.
func prepareProcess() {
    OutOfMemory.endInOneLine()
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
        // The wrong way round, so that using it remains an error.
        _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
    MappedFile.endWhereShortened { message in
        guard let message else { _exit(1) }
        // There a line of progress, or of the result, has not ended.
        let start: StaticString = errorsAreTerminal ? "\ngpt: " : "gpt: "
        _ = write(STDERR_FILENO, start.utf8Start, start.utf8CodeUnitCount)
        _ = write(STDERR_FILENO, message, strlen(message))
        _ = write(STDERR_FILENO, "\n", 1)
        CleanupRegistry.removeIfPossible(andExitWith: 1)
    }
}

/// From now on Ctrl-C, `kill` and a closed terminal end the process at once, whatever it is doing: files that are half
/// written are removed, and the exit status is 128 and the number of the signal, as in shells. While a model is trained,
/// `StopSignal.deferring` postpones the end. After Ctrl-C a newline ends a line that is written to halfway, and gives the
/// shell's prompt a line of its own. A hang-up that is ignored already, as under `nohup`, stays ignored.
///
/// A thread of its own waits for the signals, which all others block: it may do what a handler must not.
func endOnInterrupt() {
    var signals = endingSignals
    // The parent process may have ignored them; then they would not even be delivered to the thread.
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    #if canImport(Glibc)
        var thread = pthread_t()
    #else
        var thread: pthread_t?
    #endif
    let failed = pthread_create(
        &thread, nil,
        { _ in
            var signals = endingSignals
            var number: Int32 = 0
            repeat { while sigwait(&signals, &number) != 0 {} } while StopSignal.record(number)
            // The other threads run until the process ends, but their output is no longer wanted.
            let output = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY)
            dup2(nowhere, STDOUT_FILENO)
            if number == SIGINT, isatty(output) == 1 || outputEndsWithinLine.load(ordering: .relaxed) {
                _ = write(output, "\n", 1)
            }
            CleanupRegistry.remove(andExitWith: 128 + number)
        }, nil)
    if failed == 0 { return }
    // Without the thread a handler ends the process; unfinished files then stay.
    for number in [SIGINT, SIGTERM, SIGHUP] where sigismember(&signals, number) == 1 {
        signal(number) { number in if !StopSignal.record(number) { _exit(128 + number) } }
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// The signals that end a process politely, but for a hang-up that is ignored.
private let endingSignals: sigset_t = {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] {
        var action = sigaction()
        sigaction(number, nil, &action)
        if number != SIGHUP || !StopSignal.isIgnored(action) { sigaddset(&signals, number) }
    }
    return signals
}()
