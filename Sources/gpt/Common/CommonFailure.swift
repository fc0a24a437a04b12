import ArgumentParser
import Platform

/// A failure that only the command knows of: its one line.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Says what is wrong with the command line by itself, whatever there is to be read: in `validate()` of a command or of a
/// group of options, and nowhere else.
///
/// This is the rule of exit statuses, for all commands alike:
///
/// - 64, with the usage: what was typed cannot be right. An option or a name that there is not, a value that is out of its
///   bounds, options that contradict each other. No file is opened to find out.
/// - 1, in one line: what was typed can be right, but not with what was read, written or computed, on this machine.
/// - 128 and the number of a signal, where one ended it; 0 otherwise.
@discardableResult
func checkingUsage<Result>(_ check: () throws -> Result) throws -> Result {
    do { return try check() } catch {
        let message = escaped(commandMessage(error))
        // As the argument parser writes its own.
        throw ValidationError(
            message.prefix(1).uppercased() + message.dropFirst() + (message.hasSuffix(".") ? "" : "."))
    }
}

/// Refuses `-` as the name of what is to be made, for it is read again, or takes the place of an older file in one piece.
func requireName(_ path: String?) throws {
    try requireNames(path)
    if path == "-" {
        throw ValidationError("The output cannot be standard output (-): give a path, or ./- for a file named '-'.")
    }
}

/// Refuses an empty name of a file or directory.
func requireNames(_ paths: [String]) throws {
    if paths.contains("") { throw ValidationError("A file name is empty: give a path.") }
}

/// Refuses an empty name of a file or directory.
func requireNames(_ paths: String?...) throws { try requireNames(paths.compactMap { $0 }) }

/// Runs the body of a command. What it throws becomes one line on standard error and exit status 1 (`checkingUsage` has the
/// rule). A signal ends it at any moment (`endOnInterrupt`).
///
/// Where whoever reads the output has gone (`gpt generate model | head`), the command ends at once, without a word and
/// with exit status 0: they have what they wanted.
func reportingFailures(_ body: () throws -> Void) throws {
    endOnInterrupt()
    do {
        try body()
    } catch let error as ExitCode {
        throw error
    } catch is ClosedOutput {
        throw ExitCode.success
    } catch {
        note("gpt: \(oneLine(commandMessage(error)))")
        throw ExitCode.failure
    }
}

/// A message on one line, whatever the names in it hold.
private func oneLine(_ message: String) -> String {
    message.unicodeScalars.contains { $0.value < 0x20 } ? escaped(message) : message
}
