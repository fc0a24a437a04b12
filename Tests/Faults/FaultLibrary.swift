import Foundation
import TestSupport

/// A system call that fails once, or at which the process is killed.
struct Fault: Sendable, CustomStringConvertible {
    /// The kind of the call, as the library names it.
    let kind: String
    /// Its number among the calls of its kind, from 1.
    let number: Int
    /// What happens instead: the name of an error, `short` or `kill`.
    let action: String
    /// What the call was about, a path or a descriptor.
    var detail = ""

    var description: String { "\(kind) \(number) (\(detail)): \(action)" }

    /// The errors that a call of each kind can end with. A read or write that was interrupted or moved fewer bytes has not
    /// failed: the command goes on.
    static let errors: [String: [String]] = [
        "open": ["EMFILE", "EIO", "ENOMEM", "ENOSPC"], "read": ["EIO", "EINTR", "short"],
        "write": ["ENOSPC", "EIO", "EINTR", "short"], "fsync": ["EIO", "ENOSPC", "EINTR"],
        "close": ["EIO", "ENOSPC", "EINTR"], "rename": ["EIO", "ENOSPC"], "mmap": ["ENOMEM", "EMFILE"],
        "reserve": ["ENOMEM"], "mkdir": ["EIO", "ENOSPC"], "remove": ["EIO"], "copy": ["EIO", "ENOSPC", "ENOMEM"],
    ]

    /// Kinds of calls before which the disk is in another state than before the last one.
    static let killed = ["open", "write", "fsync", "close", "rename", "mkdir", "remove", "copy"]

    /// Whether the command must not notice.
    var isHarmless: Bool { action == "EINTR" || action == "short" }
}

/// The library of `Library/faults.c`, which lets calls of the command fail.
enum FaultLibrary {
    private static let directory = TemporaryDirectory()

    /// The library, compiled on first use; nil where there is no C compiler, or no C library that it works with.
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
    /// - Returns: how it ended, and the calls that it made.
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
