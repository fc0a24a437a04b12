import Foundation
import Synchronization

/// The exit status and the output of a command.
package struct CommandResult: Sendable {
    /// The exit status, or 128 + the signal's number if a signal ended it, as in a shell.
    package let status: Int32
    package let output: [UInt8]
    package let errors: [UInt8]

    /// Standard output as text.
    package var text: String { String(decoding: output, as: UTF8.self) }
    /// Standard error as text.
    package var errorText: String { String(decoding: errors, as: UTF8.self) }
    /// The lines of standard output, without an empty last one.
    package var lines: [String] { Self.lines(of: text) }
    package var errorLines: [String] { Self.lines(of: errorText) }

    /// Whether the command refused to run: status 1, no output, and one line of error that contains `reason`.
    package func isRefusal(_ reason: String) -> Bool {
        status == 1 && text.isEmpty && errorLines.count == 1 && errorText.contains(reason)
    }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}

/// Runs `gpt` with `arguments` to its end, as a user would.
///
/// - Parameters:
///   - input: its standard input; nil for none (the null device).
///   - environment: variables in addition to those of the test; nil removes one.
///   - directory: its working directory.
///   - timeLimit: seconds after which it is killed, and the call throws.
package func runCommand(
    _ arguments: [String], input: String? = nil, environment: [String: String?] = [:], directory: String? = nil,
    timeLimit: Double = 60
) throws -> CommandResult {
    let command = try RunningCommand(
        arguments, takesInput: input != nil, environment: environment, directory: directory)
    if let input { command.write(input) }
    command.closeInput()
    return try command.finish(timeLimit: timeLimit)
}

/// A running `gpt`: writes its input, reads its output, sends signals and waits for its end.
package final class RunningCommand: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The executable beside the test bundle.
    package static let executable: String = {
        var candidates = [CommandLine.arguments[0]]
        candidates += Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }.map(\.bundlePath)
        return candidates.map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("gpt").path
        }
        .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "gpt"
    }()

    /// `@unchecked Sendable`: a process is started once, and used from one thread at a time.
    private struct Handles: @unchecked Sendable {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        let errors = Pipe()
    }

    private let handles = Handles()
    private let arguments: [String]
    private let output = Collected()
    private let errors = Collected()
    private let end = DispatchSemaphore(value: 0)
    private let isInputOpen = Mutex(true)

    /// - Parameter readsOutput: false to not read its output, for a test that closes it.
    package init(
        _ arguments: [String], takesInput: Bool = true, readsOutput: Bool = true, environment: [String: String?] = [:],
        directory: String? = nil
    ) throws {
        self.arguments = arguments
        let process = handles.process
        process.executableURL = URL(fileURLWithPath: Self.executable)
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        if !environment.isEmpty {
            var all = ProcessInfo.processInfo.environment
            for (name, value) in environment { all[name] = value }
            process.environment = all
        }
        process.standardInput = takesInput ? handles.input : FileHandle.nullDevice
        process.standardOutput = handles.output
        process.standardError = handles.errors
        process.terminationHandler = { [end] _ in end.signal() }
        // A command that ends without reading its input must not end the test by SIGPIPE.
        signal(SIGPIPE, SIG_IGN)
        // Threads of a pool block signals, and a child process inherits the mask.
        var none = sigset_t(), before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        if readsOutput { output.read(handles.output.fileHandleForReading) } else { output.skip() }
        errors.read(handles.errors.fileHandleForReading)
    }

    /// Writes to its standard input.
    package func write(_ text: String) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.write(handles.input.fileHandleForWriting.fileDescriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Closes its standard input.
    package func closeInput() {
        isInputOpen.withLock {
            if $0 { try? handles.input.fileHandleForWriting.close() }
            $0 = false
        }
    }

    /// Closes the reading end of its standard output, as `head` does when it has enough.
    package func closeOutput() { try? handles.output.fileHandleForReading.close() }

    package func send(_ signal: Int32) { kill(handles.process.processIdentifier, signal) }

    package var isRunning: Bool { handles.process.isRunning }

    /// Its standard output so far.
    package var outputSoFar: String { String(decoding: output.bytes, as: UTF8.self) }
    package var errorsSoFar: String { String(decoding: errors.bytes, as: UTF8.self) }

    /// Waits until `condition` holds for its output so far.
    package func wait(timeLimit: Double = 60, until condition: (_ output: String, _ errors: String) -> Bool) throws {
        let deadline = Date().addingTimeInterval(timeLimit)
        while !condition(outputSoFar, errorsSoFar) {
            if Date() > deadline { throw failure("has not written the expected output after \(timeLimit) s") }
            if !isRunning {
                output.waitForEnd()
                errors.waitForEnd()
                if condition(outputSoFar, errorsSoFar) { return }
                throw failure("has ended without the expected output")
            }
            usleep(5000)
        }
    }

    /// Waits for its end; kills it and throws after `timeLimit` seconds.
    /// - Parameters:
    ///   - timeLimit: in seconds.
    ///   - closingInput: false if the test ends it by other means than the end of its input.
    package func finish(timeLimit: Double = 60, closingInput: Bool = true) throws -> CommandResult {
        if closingInput { closeInput() }
        if end.wait(timeout: .now() + timeLimit) == .timedOut {
            send(SIGKILL)
            end.wait()
            throw failure("was still running after \(timeLimit) s")
        }
        output.waitForEnd()
        errors.waitForEnd()
        let process = handles.process
        let status = process.terminationStatus
        return CommandResult(
            status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
            output: output.bytes, errors: errors.bytes)
    }

    private func failure(_ what: String) -> Failure {
        Failure(
            description:
                "gpt \(arguments.joined(separator: " ")) \(what)\noutput: \(outputSoFar.suffix(2000))\nerrors: \(errorsSoFar.suffix(2000))"
        )
    }
}

/// The content of a pipe, read by a thread of its own so that the writer never waits.
private final class Collected: Sendable {
    private let content = Mutex<[UInt8]>([])
    private let end = DispatchSemaphore(value: 0)

    var bytes: [UInt8] { content.withLock { $0 } }

    func read(_ handle: FileHandle) {
        let descriptor = handle.fileDescriptor
        Thread.detachNewThread { [self] in
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = Foundation.read(descriptor, &chunk, chunk.count)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                content.withLock { $0 += chunk[..<count] }
            }
            // Closed here, because the handles of threads that have ended are not released.
            try? handle.close()
            end.signal()
        }
    }

    func skip() { end.signal() }

    func waitForEnd() {
        end.wait()
        end.signal()
    }
}
