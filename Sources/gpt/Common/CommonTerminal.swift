import Platform
import Synchronization

/// The reader of standard output has closed it.
struct ClosedOutput: Error {}

/// Whether nothing is written to standard output and error: in processes that train together all but one are silent.
let outputIsSilent = Atomic<Bool>(false)

/// Writes to standard output without buffering, because the output may be read through a pipe.
/// - Throws: `ClosedOutput` if the reader has closed the pipe, `CommandFailure` if the disk is full.
func write(_ text: String) throws {
    guard let last = text.utf8.last, !outputIsSilent.load(ordering: .relaxed) else { return }
    var text = text
    try outputEndsWithinLine.withLock { endsWithinLine in
        endsWithinLine = true
        try text.withUTF8 { try writeAll(UnsafeRawBufferPointer($0), to: STDOUT_FILENO) }
        endsWithinLine = last != 0x0A
    }
}

/// Whether the last write to standard output did not end with a newline, or is not complete. It is locked during a write,
/// so that the newline at an interrupt is written after that text.
let outputEndsWithinLine = Mutex(false)

/// Writes a line to standard output.
func writeLine(_ text: String = "") throws { try write(text + "\n") }

/// Writes a line to standard error: progress and remarks. Errors are ignored.
func note(_ line: String) { show(line + "\n") }

/// Writes to standard error without a newline.
func show(_ text: String) {
    if outputIsSilent.load(ordering: .relaxed) { return }
    var text = text
    text.withUTF8 { try? writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
}

/// Whether standard output is a terminal.
let outputIsTerminal = isatty(STDOUT_FILENO) == 1
/// Whether standard error is a terminal.
let errorsAreTerminal = isatty(STDERR_FILENO) == 1

/// Whether standard input is a terminal.
let inputIsTerminal = isatty(STDIN_FILENO) == 1

/// Whether standard input was redirected: it is a pipe, a file or a socket, but not a terminal or the null device.
var inputIsGiven: Bool {
    var information = stat()
    guard fstat(STDIN_FILENO, &information) == 0 else { return false }
    return [S_IFIFO, S_IFREG, S_IFSOCK].contains(information.st_mode & S_IFMT)
}

/// Waits until standard input has data or has ended, for at most `milliseconds`. Returns false after this time.
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
