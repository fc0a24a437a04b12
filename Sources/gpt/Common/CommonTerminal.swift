import Platform
import Synchronization

/// Whoever read the output has closed it.
struct ClosedOutput: Error {}

/// Writes to standard output, at once: results, which may be on their way through a pipe.
/// - Throws: `ClosedOutput` where nobody reads any more, `CommandFailure` where the disk is full.
func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try writeAll(UnsafeRawBufferPointer($0), to: STDOUT_FILENO) }
    if let last = text.utf8.last { outputEndsWithinLine.store(last != 0x0A, ordering: .relaxed) }
}

/// Whether what was written to standard output so far ends without a newline.
let outputEndsWithinLine = Atomic(false)

/// Writes a line to standard output.
func writeLine(_ text: String = "") throws { try write(text + "\n") }

/// Writes a line to standard error: progress and remarks. That nobody reads them is no failure.
func note(_ line: String) { show(line + "\n") }

/// Writes to standard error without ending the line.
func show(_ text: String) {
    var text = text
    text.withUTF8 { try? writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
}

/// Whether standard output is a terminal, and not a file or a pipe.
let outputIsTerminal = isatty(STDOUT_FILENO) == 1
/// Whether standard error is one.
let errorsAreTerminal = isatty(STDERR_FILENO) == 1

/// Whether standard input is one.
let inputIsTerminal = isatty(STDIN_FILENO) == 1

/// Whether something was given to standard input: a pipe, a file or a socket, but not a terminal or the null device.
var inputIsGiven: Bool {
    var information = stat()
    guard fstat(STDIN_FILENO, &information) == 0 else { return false }
    return [S_IFIFO, S_IFREG, S_IFSOCK].contains(information.st_mode & S_IFMT)
}

/// Whether something is there to be read from standard input, its end included, before so many milliseconds have passed.
func inputArrives(within milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, milliseconds) != 0
}

private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest)
        let count = write(descriptor, piece.baseAddress, piece.count)
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno == EPIPE {
            throw ClosedOutput()
        } else if errno != EINTR {
            throw CommandFailure("cannot write to standard output: \(String(cString: strerror(errno)).lowercased())")
        }
    }
}
