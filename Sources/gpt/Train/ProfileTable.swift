import GPTKit
import StrictJSON
import Tensors

/// The time of a training step by operation, as a table and as JSON.
struct ProfileTable {
    private let profile: Profile
    private let peakFlops: Double

    /// - Parameter peakFlops: the floating-point operations per second that the machine reaches on registers alone.
    init(_ profile: Profile, peakFlops: Double) {
        self.profile = profile
        self.peakFlops = peakFlops
    }

    /// A row of the table: an operation, or the whole step.
    private struct Row {
        let name: String
        let pass: Profile.Pass?
        /// The time in an average step.
        let seconds: Double
        let share: Double
        let calls: Double?
        /// The floating-point operations per second; nil for an operation without matrix products.
        let flops: Double?
    }

    /// The operations in the order of a step, then the remaining time, and the whole step.
    private var rows: [Row] {
        let steps = Double(max(1, profile.steps)), whole = profile.seconds, entries = profile.entries
        func row(_ name: String, _ pass: Profile.Pass?, _ seconds: Double, calls: Int?, flops: Double) -> Row {
            Row(
                name: name, pass: pass, seconds: seconds / steps, share: whole > 0 ? seconds / whole : 0,
                calls: calls.map { Double($0) / steps }, flops: flops > 0 && seconds > 0 ? flops / seconds : nil)
        }
        let parts = entries.map { row($0.name, $0.pass, $0.seconds, calls: $0.calls, flops: $0.flops) }
        let measured = entries.reduce(0) { $0 + $1.seconds }
        return parts + [
            row("other", nil, max(0, whole - measured), calls: nil, flops: 0),
            row("step", nil, whole, calls: nil, flops: entries.reduce(0) { $0 + $1.flops }),
        ]
    }

    /// Writes the table to standard output.
    func write() throws {
        guard profile.steps > 0 else { return }
        try writeLine("Time per training step by operation, mean of \(counted(profile.steps, "step")):")
        let heads = ["", "", "calls", "ms", "share", "GFLOP/s", "of peak"]
        let cells = rows.map { row in
            [
                row.name, row.pass?.rawValue ?? "", row.calls.map { fixed($0, 0) } ?? "", fixed(1e3 * row.seconds, 3),
                "\(fixed(100 * row.share, 1)) %", row.flops.map { fixed($0 / 1e9, 0) } ?? "",
                row.flops.map { "\(fixed(100 * $0 / peakFlops, 0)) %" } ?? "",
            ]
        }
        for line in aligned([heads] + cells, left: [0, 1], indentation: 2) { try writeLine(line) }
    }

    /// The rows as an array of objects.
    var json: JSON {
        .array(
            rows.map { row in
                var members: [(String, JSON)] = [("name", .string(row.name))]
                if let pass = row.pass { members.append(("pass", .string(pass.rawValue))) }
                members += [("milliseconds", .double(1e3 * row.seconds)), ("share", .double(row.share))]
                if let calls = row.calls { members.append(("calls", .double(calls))) }
                if let flops = row.flops { members.append(("gflops", .double(flops / 1e9))) }
                return .object(JSONObject(members))
            })
    }
}
