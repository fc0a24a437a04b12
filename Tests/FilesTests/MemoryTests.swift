import Files
import Testing

@Suite struct Memory {
    @Test(
        arguments: [
            ("1048576\n", 1 << 20), ("9223372036854771712\n", 9_223_372_036_854_771_712), ("max\n", nil), ("", nil),
            ("0", nil), ("-5", nil), ("99999999999999999999\n", nil),
        ] as [(String, Int?)])
    func readsALimit(_ content: String, _ limit: Int?) { #expect(Files.memoryLimit(in: content) == limit) }

    @Test func isPositive() { #expect(Files.availableMemory > 1 << 20) }

    @Test func refusesMoreThanAvailable() {
        let error = #expect(throws: FileError.self) {
            try Files.requireMemory(1 << 61, "cannot read", "a.txt", "it takes")
        }
        #expect(
            error?.description.hasPrefix("cannot read a.txt: it takes about 2,305,843,009,213 MB of memory, and ")
                == true)
    }

    static let ordinary = "25 30 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    static let second = "0::/user.slice/job 7.scope\n"

    /// Every group from that of the process up to the root has a limit.
    @Test(
        "The limits of control groups are found wherever they are set",
        arguments: [
            (
                second, ordinary,
                ["/user.slice/job 7.scope/memory.max", "/user.slice/memory.max", "/memory.max"]
            ),
            ("0::/\n", ordinary, ["/memory.max"]),
            // A container in which only its own part of the hierarchy is mounted, but the path is that outside.
            (
                "0::/pod/one/inner\n", "25 30 0:22 /pod/one /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                ["/inner/memory.max", "/memory.max"]
            ),
            // Version 1, in which other controllers have hierarchies of their own.
            (
                "5:cpu,cpuacct:/a\n4:memory:/b/c\n0::/\n",
                "32 31 0:29 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu,cpuacct\n35 31 0:32 / /sys/fs/cgroup rw shared:9 - cgroup cgroup rw,memory\n",
                ["/b/c/memory.limit_in_bytes", "/b/memory.limit_in_bytes", "/memory.limit_in_bytes"]
            ),
            ("0::/a\n", "1 2 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\nnonsense\n", []),
            ("", ordinary, []),
        ] as [(String, String, [String])])
    func controlGroups(_ groups: String, _ mounts: String, _ files: [String]) {
        #expect(Files.controlGroupLimits(groups: groups, mounts: mounts) == files.map { "/sys/fs/cgroup" + $0 })
    }

    @Test func readsEscapedMountPoints() {
        let mounts = "25 30 0:22 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n"
        #expect(Files.controlGroupLimits(groups: "0::/\n", mounts: mounts) == ["/mnt/a b/memory.max"])
    }
}
