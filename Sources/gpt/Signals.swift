import Files
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ctrl-C, `kill` and a closed terminal as a wish that a loop asks for: the first is noted, a second ends the process.
enum StopSignal {
    /// The number of the signal that came; 0 before one has.
    private static let number = Atomic<Int32>(0)

    /// What the signals did before they were caught.
    private static let earlier = Mutex<[(Int32, sigaction)]>([])

    /// The signal that came, if one did.
    static var received: Int32? {
        let number = number.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// From now on SIGINT, SIGTERM and SIGHUP are noted rather than obeyed. A hang-up that is ignored already, as under
    /// `nohup`, stays ignored.
    static func catchAll() {
        // Made here, for a handler must not be the first to ask for it.
        _ = received
        var caught = sigset_t()
        sigemptyset(&caught)
        for signalNumber in [SIGINT, SIGTERM, SIGHUP] {
            var old = sigaction()
            sigaction(signalNumber, nil, &old)
            if signalNumber == SIGHUP, isIgnored(old) { continue }
            sigaddset(&caught, signalNumber)
            earlier.withLock { $0.append((signalNumber, old)) }
            // All that happens here, an atomic exchange, write and _exit, is allowed in a handler.
            signal(signalNumber) { signalNumber in
                if StopSignal.number.exchange(signalNumber, ordering: .relaxed) != 0 { _exit(128 + signalNumber) }
                let notice: StaticString = "\nStopping after this step, to save; once more ends it at once, without.\n"
                _ = write(2, notice.utf8Start, notice.utf8CodeUnitCount)
            }
        }
        // A parent may have started this process from a thread that blocks them.
        pthread_sigmask(SIG_UNBLOCK, &caught, nil)
    }

    /// Gives the signals back the effect they had before `catchAll`.
    static func release() {
        let before = earlier.withLock { earlier in
            defer { earlier = [] }
            return earlier
        }
        for (signalNumber, action) in before {
            var action = action
            sigaction(signalNumber, &action, nil)
        }
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
        Unfinished.remove(andExitWith: 1)
    }
}

/// From now on Ctrl-C, `kill` and a closed terminal end the process at once: files that are half written are removed, and
/// the exit status is 128 and the number of the signal, as shells have it. After Ctrl-C a newline gives the shell's prompt a
/// line of its own. A hang-up that is ignored already, as under `nohup`, stays ignored.
///
/// A thread of its own waits for the signals, which all others block: it may do what a handler must not.
func endOnInterrupt() {
    var signals = endingSignals
    // Who started this process may have had them ignored; then they would not even wait.
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
            while sigwait(&signals, &number) != 0 {}
            // The other threads go on until the end, but nobody reads more of it.
            let output = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY)
            dup2(nowhere, STDOUT_FILENO)
            if number == SIGINT { _ = write(output, "\n", 1) }
            Unfinished.remove(andExitWith: 128 + number)
        }, nil)
    // Without the thread they end the process as they always do.
    if failed != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
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
