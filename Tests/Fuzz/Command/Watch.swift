import Platform

/// The input that is being run, for the case that it traps or never ends. Then only a signal handler still runs, which
/// may call only async-signal-safe functions (POSIX.1-2017, 2.4.3) and use only memory that is allocated already.
enum Watch {
    /// The limit of processor time for an input.
    static let seconds = 10

    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGVTALRM]

    private nonisolated(unsafe) static var isReady = false

    static func begin(_ input: [UInt8], _ what: String, _ path: String) {
        if !isReady { prepare() }
        if input.count > inputCapacity {
            inputBytes.deallocate()
            inputCapacity = 2 * input.count
            inputBytes = .allocate(capacity: inputCapacity)
        }
        input.withUnsafeBufferPointer { input in
            if let start = input.baseAddress { inputBytes.update(from: start, count: input.count) }
        }
        inputCount = input.count
        copy("\(what): it traps, or takes longer than \(seconds) s\nthe input is in \(path)\n", to: message)
        copy(path, to: inputPath)
        setTimer(seconds)
    }

    static func end() { setTimer(0) }

    private static func prepare() {
        isReady = true
        // A stack of its own, for the case of a stack overflow.
        var stack = stack_t()
        stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 16)
        stack.ss_size = 1 << 16
        sigaltstack(&stack, nil)
        for signal in signals {
            var action = sigaction()
            #if canImport(Darwin)
                action.__sigaction_u.__sa_handler = handle
            #else
                action.__sigaction_handler.sa_handler = handle
            #endif
            action.sa_flags = Int32(truncatingIfNeeded: Int(SA_RESETHAND) | Int(SA_ONSTACK))
            sigaction(signal, &action, nil)
        }
    }

    private static func copy(_ text: String, to memory: UnsafeMutablePointer<CChar>) {
        let bytes = Array(text.utf8.prefix(textCapacity - 1))
        for (index, byte) in bytes.enumerated() { memory[index] = CChar(bitPattern: byte) }
        memory[bytes.count] = 0
    }

    private static func setTimer(_ seconds: Int) {
        var timer = itimerval()
        timer.it_value.tv_sec = seconds
        #if canImport(Glibc)
            setitimer(__itimer_which_t(ITIMER_VIRTUAL.rawValue), &timer, nil)
        #else
            setitimer(Int32(ITIMER_VIRTUAL), &timer, nil)
        #endif
    }
}

private let textCapacity = 4096

// Written by one thread before an input is run, read by the handler that may interrupt it.
private nonisolated(unsafe) var inputCapacity = 1 << 20
private nonisolated(unsafe) var inputBytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 20)
private nonisolated(unsafe) var inputCount = 0
private nonisolated(unsafe) let message = UnsafeMutablePointer<CChar>.allocate(capacity: textCapacity)
private nonisolated(unsafe) let inputPath = UnsafeMutablePointer<CChar>.allocate(capacity: textCapacity)

private func handle(_ signal: Int32) {
    let file = open(inputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    if file >= 0 { _ = write(file, inputBytes, inputCount) }
    _ = write(STDOUT_FILENO, message, strlen(message))
    _exit(1)
}
