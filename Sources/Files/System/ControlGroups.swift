import Platform

/// The memory limits of Linux control groups: of a container, a batch job or a service.
extension Files {
    /// The files with the memory limits of this process: those of its control group and of each group above it, because
    /// each has a limit of its own.
    static let controlGroupLimits = controlGroupLimits(
        groups: smallFile("/proc/self/cgroup") ?? "", mounts: smallFile("/proc/self/mountinfo") ?? "")

    /// - Parameters:
    ///   - groups: `/proc/self/cgroup`: a line `number:controllers:path` for each hierarchy; that of version 2 is
    ///     `0::path`.
    ///   - mounts: `/proc/self/mountinfo` (proc(5)): the mount points of hierarchies, and the group at the root of
    ///     each.
    package static func controlGroupLimits(groups: String, mounts: String) -> [String] {
        mounts.split(separator: "\n").compactMap { ControlGroupMount($0, groups: groups) }.flatMap { mount in
            // From the group of this process up to the root of the mount.
            (0...mount.group.count).reversed().map { depth in
                ([mount.directory] + mount.group.prefix(depth) + [mount.limitFile]).joined(separator: "/")
            }
        }
    }

    /// The limit in a file of a control group, in bytes; nil for none.
    static func memoryLimit(_ path: String) -> Int? { smallFile(path).flatMap(memoryLimit(in:)) }

    /// The limit in bytes in the content of such a file; nil for "max" and for anything else that sets no limit.
    package static func memoryLimit(in content: String) -> Int? {
        let digits = content.utf8.prefix { $0 >= 48 && $0 <= 57 }
        guard !digits.isEmpty else { return nil }
        // A number beyond Int is no limit.
        return Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The first 64 KB of a file in /proc or /sys, which has no length.
    static func smallFile(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                systemRead(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[length...]))
            }
            if count <= 0 { break }
            length += count
        }
        return length > 0 ? String(decoding: bytes[..<length], as: UTF8.self) : nil
    }
}

/// A mounted hierarchy of control groups with memory limits, and the group of a process in it.
private struct ControlGroupMount {
    /// Where the hierarchy is mounted.
    let directory: String
    /// The names of the groups from there down to that of the process.
    let group: [String]
    /// The name of the file with the limit, in each group.
    let limitFile: String

    /// Reads a line of mountinfo: `36 35 98:0 /root /directory options - type source superoptions`.
    init?(_ line: Substring, groups: String) {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, dash + 3 < fields.count else { return nil }
        let isUnified = fields[dash + 1] == "cgroup2"
        guard isUnified || fields[dash + 1] == "cgroup" && Self.hasMemory(fields[dash + 3]) else { return nil }
        guard var path = Self.path(in: groups, isUnified: isUnified) else { return nil }
        // In a cgroup namespace the path of a process is relative to the root of the namespace, not of the hierarchy.
        let root = Self.unescaped(fields[3])
        if root != "/", path == root || path.hasPrefix(root + "/") { path = String(path.dropFirst(root.count)) }
        let directory = Self.unescaped(fields[4])
        self.directory = directory == "/" ? "" : directory
        group = path.split(separator: "/").filter { $0 != ".." }.map(String.init)
        limitFile = isUnified ? "memory.max" : "memory.limit_in_bytes"
    }

    /// The path of the group in `/proc/self/cgroup`.
    private static func path(in groups: String, isUnified: Bool) -> String? {
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if isUnified ? fields[0] == "0" && fields[1].isEmpty : hasMemory(fields[1]) { return String(fields[2]) }
        }
        return nil
    }

    private static func hasMemory(_ controllers: Substring) -> Bool {
        controllers.split(separator: ",").contains("memory")
    }

    /// Decodes a path in mountinfo: space, tab, newline and backslash are escaped in octal.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
