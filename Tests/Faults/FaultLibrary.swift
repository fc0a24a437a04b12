import Foundation
import TestSupport

/// A system call that fails once, or at which the process is killed.
struct Fault: Sendable, CustomStringConvertible {
    /// The kind of the call, by its name in the library.
    let kind: String
    /// Its number among the calls of its kind, from 1.
    let number: Int
    /// The fault: the name of an error, `short` or `kill`.
    let action: String
    /// The argument of the call, a path or a descriptor.
    var detail = ""

    var description: String { "\(kind) \(number) (\(detail)): \(action)" }

    /// The errors of each kind of call. A read or write that was interrupted or transferred fewer bytes has not failed:
    /// the command must continue.
    static let errors: [String: [String]] = [
        "open": ["EMFILE", "EIO", "ENOMEM", "ENOSPC"], "read": ["EIO", "EINTR", "short"],
        "write": ["ENOSPC", "EIO", "EINTR", "short"], "fsync": ["EIO", "ENOSPC", "EINTR"],
        "close": ["EIO", "ENOSPC", "EINTR"], "rename": ["EIO", "ENOSPC"], "mmap": ["ENOMEM", "EMFILE"],
        "reserve": ["ENOMEM"], "mkdir": ["EIO", "ENOSPC"], "remove": ["EIO"], "copy": ["EIO", "ENOSPC", "ENOMEM"],
    ]

    /// Kinds of calls that change the disk, so that a kill before each leaves another state.
    static let killed = ["open", "write", "fsync", "close", "rename", "mkdir", "remove", "copy"]

    /// Whether the command must succeed all the same.
    var isHarmless: Bool { action == "EINTR" || action == "short" }
}

/// The library of `Library/faults.c`, which makes system calls of the command fail.
enum FaultLibrary {
    private static let directory = TemporaryDirectory()

    /// The path of the library, compiled on first use; nil without a C compiler or a supported C library.
    static let path: String? = {
        #if os(Linux) && canImport(Glibc)
            let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Library/faults.c"
            let library = directory.file("faults.so")
            for compiler in ["clang", "cc", "gcc"] {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]
                process.standardError = FileHandle.nullDevice
                guard (try? process.run()) != nil else { continue }
                process.waitUntilExit()
                if process.terminationStatus == 0 { return library }
            }
        #endif
        return nil
    }()

    /// Runs `gpt` in a directory.
    /// - Returns: the result of the process, and its calls.
    static func run(
        _ arguments: [String], in directory: String, fault: Fault? = nil
    ) throws -> (result: CommandResult, calls: [Fault]) {
        let log = self.directory.file(UUID().uuidString)
        defer { unlink(log) }
        var environment: [String: String?] = ["LD_PRELOAD": path, "FAULT_LOG": log]
        if let fault { environment["FAULT"] = "\(fault.kind):\(fault.number):\(fault.action)" }
        let result = try runCommand(arguments, environment: environment, directory: directory, timeLimit: 60)
        let lines = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n") ?? []
        let calls = lines.compactMap { line -> Fault? in
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let number = Int(words[1]) else { return nil }
            return Fault(kind: String(words[0]), number: number, action: "", detail: String(words[2]))
        }
        return (result, calls)
    }
}
