@preconcurrency import Platform  // for `environ`

/// Runs other programs.
package enum Subprocess {
    /// A program that could not be started.
    package struct StartError: Error, CustomStringConvertible {
        package let executable: String
        package let code: Int32

        /// Whether there is no such program, or none that this user may run (which the system also reports if a
        /// directory of PATH is not accessible).
        package var isMissing: Bool { code == ENOENT || code == EACCES }

        package var description: String { "cannot start \(executable): \(String(cString: strerror(code)))" }
    }

    /// Runs a program found in PATH, and waits for its end.
    /// - Parameters:
    ///   - executable: its name.
    ///   - arguments: its arguments.
    ///   - input: the file that is its standard input; nil for none.
    ///   - output: the file that its standard output is written to; nil for none.
    /// - Returns: its exit status, or 128 + the number of the signal that ended it.
    package static func run(
        _ executable: String, _ arguments: [String], input: Int32? = nil, output: Int32? = nil
    ) throws(StartError) -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        if let input { posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) }

        // Signals that we block or ignore still end the child process: Ctrl-C stops a download.
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var ending = sigset_t()
        sigemptyset(&ending)
        posix_spawnattr_setsigmask(&attributes, &ending)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ] { sigaddset(&ending, signal) }
        posix_spawnattr_setsigdefault(&attributes, &ending)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var pointers: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }

        #if canImport(Darwin)
            let environment = _NSGetEnviron().pointee
        #else
            let environment = environ
        #endif

        var process = pid_t()
        let code = posix_spawnp(&process, executable, &actions, &attributes, pointers, environment)
        guard code == 0 else { throw StartError(executable: executable, code: code) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw StartError(executable: executable, code: errno) }
        }
        // The macros of wait.h: the low seven bits are the signal, the next byte the exit status.
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }
}
