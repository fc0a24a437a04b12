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

    private static func isIgnored(_ action: sigaction) -> Bool {
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
