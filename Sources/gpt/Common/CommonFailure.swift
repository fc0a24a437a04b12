import ArgumentParser
import Platform

/// An error of the command itself, with its message of one line.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Runs a check of the command line, and reports its error as a usage error. It may only be called in `validate()` of a
/// command or of an option group.
///
/// All commands use these exit statuses:
///
/// - 64, with the usage: the command line is wrong by itself. It has an unknown option or name, a value that is out of
///   range, or options that exclude each other. No file is opened for this check.
/// - 1, with a message of one line: the command line is valid, but not for the files that were read or written, for the
///   computed results, or for this machine.
/// - 128 plus the number of the signal, if a signal ended the process.
/// - 0 otherwise.
@discardableResult
func checkingUsage<Result>(_ check: () throws -> Result) throws -> Result {
    do { return try check() } catch {
        let message = escaped(commandMessage(error))
        // In the style of the argument parser's own messages.
        throw ValidationError(
            message.prefix(1).uppercased() + message.dropFirst() + (message.hasSuffix(".") ? "" : "."))
    }
}

/// Rejects `-` as an output path. The output cannot be standard output, because it is read again or replaces an older
/// file atomically.
func requireName(_ path: String?) throws {
    try requireNames(path)
    if path == "-" {
        throw ValidationError("The output cannot be standard output (-): give a path, or ./- for a file named '-'.")
    }
}

/// Rejects empty file names.
func requireNames(_ paths: [String]) throws {
    if paths.contains("") { throw ValidationError("A file name is empty: give a path.") }
}

/// Rejects empty file names.
func requireNames(_ paths: String?...) throws { try requireNames(paths.compactMap { $0 }) }

/// Runs the body of a command. An error becomes one line on standard error and exit status 1; see `checkingUsage` for
/// the exit statuses. A signal ends the command at any time (`endOnInterrupt`).
///
/// If the reader of the output has closed the pipe (`gpt generate model | head`), the command ends at once, without a
/// message and with exit status 0, because the reader has all that it needs.
func reportingFailures(_ body: () throws -> Void) throws {
    endOnInterrupt()
    do { try body() } catch { throw report(error) }
}

/// Prints the message of an error that ends a command, and returns the exit status. A signal and a closed output have no message.
func report(_ error: any Error) -> ExitCode {
    switch error {
    case let status as ExitCode: return status
    case is ClosedOutput: return .success
    default:
        note("gpt: \(oneLine(commandMessage(error)))")
        return .failure
    }
}

/// A message on one line, even if a name in it contains control characters.
private func oneLine(_ message: String) -> String {
    message.unicodeScalars.contains { $0.value < 0x20 } ? escaped(message) : message
}
