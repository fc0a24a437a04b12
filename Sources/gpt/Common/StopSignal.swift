import Files
import MessagePassing
import Platform
import Synchronization

/// Handles Ctrl-C, `kill` and a closed terminal while there is something to save. The first signal is recorded, and the
/// running operation polls for it. The second one ends the process at once.
///
/// At all other times `endOnInterrupt` applies, so loops need no checks of their own, even if they are slow.
enum StopSignal {
    /// The effect of the next signal. `atOnce`: it ends the process. `deferred`: it is recorded. A signal number: this
    /// signal was recorded, and the next one ends the process. This is a single atomic, so that no signal is lost at
    /// the end of `deferring`.
    private static let state = Atomic<Int32>(atOnce)
    private static let atOnce: Int32 = -1
    private static let deferred: Int32 = 0

    /// The signal that was recorded during the last call of `deferring`; 0 for none.
    private static let last = Atomic<Int32>(0)

    /// The recorded signal, if there is one.
    static var received: Int32? {
        let current = state.load(ordering: .relaxed)
        let number = current > 0 ? current : last.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// What the first signal prints to standard error.
    private static let notice = Mutex<String?>(nil)

    /// What a training prints after the first signal.
    static let savingNotice =
        "\nStopping after this step and saving; a second signal ends the program at once, without saving.\n"

    /// Runs `body`. Meanwhile a signal is recorded instead of ending the process.
    ///
    /// `body` must call `shouldStop` at least every tenth of a second, or in every step of a training run, and return
    /// soon after it returns true. Afterwards `received` contains the signal, and signals end the process again.
    /// - Parameter notice: what the first signal prints to standard error; nil for nothing.
    static func deferring<Result>(
        notice: String? = savingNotice, _ body: (_ shouldStop: () -> Bool) throws -> Result
    ) rethrows -> Result {
        Self.notice.withLock { $0 = notice }
        last.store(0, ordering: .relaxed)
        state.store(deferred, ordering: .relaxed)
        defer { last.store(max(0, state.exchange(atOnce, ordering: .relaxed)), ordering: .relaxed) }
        return try body { received != nil }
    }

    /// Records a signal if signals are deferred and this is the first one. Without a notice, the function is safe in a signal
    /// handler.
    /// - Parameter showsNotice: whether the notice is printed.
    /// - Returns: false if the process must end.
    fileprivate static func record(_ number: Int32, showsNotice: Bool) -> Bool {
        guard state.compareExchange(expected: deferred, desired: number, ordering: .relaxed).exchanged else {
            return false
        }
        if showsNotice, let notice = notice.withLock({ $0 }) { show(notice) }
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

/// Prepares the process for errors that the operating system reports. It must be called before anything else.
///
/// - If memory cannot be allocated, the process ends with a message of one line (`OutOfMemory`).
/// - A write to a closed pipe (SIGPIPE), or beyond the file size limit (SIGXFSZ), becomes an ordinary error.
/// - If another program truncates a mapped file (SIGBUS), the process ends with a message of one line and status 1, and
///   leaves no temporary files.
/// - If standard input, output or error is closed, its descriptor is reserved, so that no other file can get it.
///   Otherwise output could be written into a model file.
func prepareProcess() {
    OutOfMemory.endInOneLine()
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
        // Opened in the wrong direction, so that using the descriptor is still an error.
        _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
    MappedFile.endWhereShortened { message in
        guard let message else { _exit(1) }
        // The cursor is after an unfinished line of progress or output.
        let start: StaticString = errorsAreTerminal ? "\ngpt: " : "gpt: "
        _ = write(STDERR_FILENO, start.utf8Start, start.utf8CodeUnitCount)
        _ = write(STDERR_FILENO, message, strlen(message))
        _ = write(STDERR_FILENO, "\n", 1)
        CleanupRegistry.removeIfPossible(andExitWith: 1)
    }
}

/// Installs the handling of Ctrl-C, `kill` and a closed terminal. They end the process at once, whatever it is doing:
/// temporary files are removed, and the exit status is 128 plus the number of the signal, as in shells. During
/// training, `StopSignal.deferring` postpones this. After Ctrl-C a newline is printed, so that the shell's prompt
/// starts on a new line. A hang-up signal that is already ignored, as under `nohup`, stays ignored.
///
/// A dedicated thread waits for the signals, and all other threads block them: unlike a signal handler, a thread can
/// call any function.
func endOnInterrupt() {
    var signals = endingSignals
    // The parent process may have ignored these signals. Ignored signals are not delivered to the thread.
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
            repeat { while sigwait(&signals, &number) != 0 {} } while StopSignal.record(number, showsNotice: true)
            discardOutput(endingLine: number == SIGINT, within: 500)
            CleanupRegistry.remove(andExitWith: 128 + number)
        }, nil)
    if failed == 0 { return }
    // If the thread cannot be created, a signal handler ends the process. Temporary files are then not removed.
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] where sigismember(&signals, number) == 1 {
        signal(number) { number in if !StopSignal.record(number, showsNotice: false) { _exit(128 + number) } }
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// Discards what the other threads write to standard output from now on, because they continue until the process ends.
///
/// - Parameters:
///   - endingLine: whether to write a newline before, if standard output is a terminal or its last line is not complete.
///   - milliseconds: how long to wait until the newline can be written. Nobody may be reading a pipe that is full.
private func discardOutput(endingLine: Bool, within milliseconds: Int32) {
    let nowhere = open("/dev/null", O_WRONLY)
    for elapsed in 0..<milliseconds where endingLine {
        // The lock is not available while another thread writes. Nothing can be written between the newline and dup2().
        let done: Void? = outputEndsWithinLine.withLockIfAvailable { endsWithinLine in
            var descriptor = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            if endsWithinLine || outputIsTerminal, poll(&descriptor, 1, milliseconds - elapsed) > 0 {
                _ = write(STDOUT_FILENO, "\n", 1)
            }
            dup2(nowhere, STDOUT_FILENO)
        }
        if done != nil { return }
        usleep(1000)
    }
    dup2(nowhere, STDOUT_FILENO)
}

/// The signals that request the end of the process, except for a hang-up signal that is ignored. Launchers of MPI forward SIGUSR1
/// to all processes, without ending them soon after as some do at other signals, so these end at it like at an interrupt.
private let endingSignals: sigset_t = {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] + (Launcher.current == nil ? [] : [SIGUSR1]) {
        var action = sigaction()
        sigaction(number, nil, &action)
        if number != SIGHUP || !StopSignal.isIgnored(action) { sigaddset(&signals, number) }
    }
    return signals
}()
