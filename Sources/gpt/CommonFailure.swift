import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A failure that only the command knows of: its one line.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Runs the body of a command. What it throws becomes one line on standard error and exit status 1, except what belongs
/// to the argument parser: misuse shows the usage and has exit status 64.
///
/// Where whoever reads the output has gone (`gpt generate model | head`), the command ends at once, without a word and
/// with exit status 0: they have what they wanted.
func reportingFailures(_ body: () throws -> Void) throws {
    // A write to a closed pipe is then an error like any other, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
        try body()
    } catch let error as ExitCode {
        throw error
    } catch let error as ValidationError {
        throw error
    } catch is ClosedOutput {
        throw ExitCode.success
    } catch {
        note("gpt: \(oneLine("\(error)"))")
        throw ExitCode.failure
    }
}

/// A message on one line, whatever the names in it hold.
private func oneLine(_ message: String) -> String {
    message.unicodeScalars.contains { $0.value < 0x20 } ? escaped(message) : message
}
