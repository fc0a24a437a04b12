/// Downloads files with `curl` or `wget`, so that this program needs no network code of its own.
package enum Download {
    /// Why a file could not be downloaded, in one line.
    package struct Failure: Error, CustomStringConvertible {
        package let url: String
        package let reason: String

        package var description: String { "cannot download \(url): \(reason)" }
    }

    /// Downloads `url` to the file at `path`, whose directory must exist, and checks its SHA-256 against `sha256` (64
    /// lower-case hexadecimal digits). On failure nothing is left behind, and an older file stays.
    package static func fetch(url: String, to path: String, sha256: String) throws {
        let temporary = try TemporaryFile(replacing: path)
        try transfer(url, to: temporary.path)
        let digest = try SHA256.hexDigest(ofFile: temporary.path)
        guard digest == sha256 else {
            throw Failure(
                url: url,
                reason: "the downloaded file is not the expected one (its SHA-256 is \(digest), not \(sha256))")
        }
        try temporary.commit()
    }

    /// The programs for downloading, in the order in which they are tried.
    private static let tools: [(name: String, arguments: @Sendable (_ url: String, _ path: String) -> [String])] = [
        (
            // Quiet, follows redirects, fails on HTTP errors; gives up after half a minute without data.
            "curl",
            { url, path in
                [
                    "--silent", "--fail", "--location", "--connect-timeout", "10", "--speed-limit", "1",
                    "--speed-time", "30", "--output", path, "--", url,
                ]
            }
        ),
        (
            "wget",
            { url, path in
                [
                    "--quiet", "--tries=1", "--connect-timeout=10", "--dns-timeout=10", "--read-timeout=30",
                    "--output-document", path, "--", url,
                ]
            }
        ),
    ]

    private static func transfer(_ url: String, to path: String) throws(Failure) {
        for tool in tools {
            let status: Int32
            do {
                status = try Subprocess.run(tool.name, tool.arguments(url, path))
            } catch {
                if error.isMissing { continue }
                throw Failure(url: url, reason: error.description)
            }
            switch status {
            case 0: return
            case 127: continue  // on some systems a missing program is detected only in the child process
            default: throw Failure(url: url, reason: reason(tool.name, status))
            }
        }
        throw Failure(url: url, reason: "neither curl nor wget is installed")
    }

    /// The meaning of an exit status, from the manuals of the two programs.
    private static func reason(_ tool: String, _ status: Int32) -> String {
        switch (tool, status) {
        case ("curl", 5...7), ("curl", 28), ("wget", 4): "no answer from the network (\(tool) exit status \(status))"
        case ("curl", 22), ("wget", 8): "the server refused the request (\(tool) exit status \(status))"
        case ("curl", 23), ("wget", 3): "the file could not be written (\(tool) exit status \(status))"
        case ("curl", 35), ("curl", 60), ("wget", 5): "the connection is not secure (\(tool) exit status \(status))"
        case (_, 129...): "\(tool) was stopped by signal \(status - 128)"
        default: "\(tool) failed with exit status \(status)"
        }
    }
}
