import Synchronization

/// The time of training steps by part: each op, forward and backward, and everything else that is measured.
///
/// It is bound to the task while a step runs, like `Execution`. Without one, an op only checks that there is none.
package final class Profile: Sendable {
    @TaskLocal package static var current: Profile?

    /// The direction in which an op was computed.
    package enum Pass: String, Sendable {
        case forward, backward, both
    }

    /// All calls of one op in one direction, or of another part of a step.
    package struct Entry: Sendable {
        package let name: String
        /// nil for a part that is not an op.
        package let pass: Pass?
        package fileprivate(set) var calls = 0
        package fileprivate(set) var seconds = 0.0
        /// Floating-point operations of its matrix products, counted from the definition of the op.
        package fileprivate(set) var flops = 0.0
    }

    private struct State {
        var entries: [Entry] = []
        var seconds = 0.0
        var steps = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// In the order of their first calls.
    package var entries: [Entry] { state.withLock { $0.entries } }
    /// The time of all steps. The entries are parts of it and do not overlap.
    package var seconds: Double { state.withLock { $0.seconds } }
    package var steps: Int { state.withLock { $0.steps } }

    /// Runs `body` as a step whose parts `profile` measures; without a profile, only runs it.
    package static func step<Result>(into profile: Profile?, _ body: () throws -> Result) rethrows -> Result {
        guard let profile else { return try body() }
        return try $current.withValue(profile) {
            let start = ContinuousClock.now
            defer {
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                profile.state.withLock {
                    $0.seconds += seconds
                    $0.steps += 1
                }
            }
            return try body()
        }
    }

    /// Runs `body` as a part of the step, and measures it if a step is being measured. Parts must not be nested.
    package static func measure<Result>(
        _ name: @autoclosure () -> String, _ pass: Pass? = nil, flops: @autoclosure () -> Double = 0,
        _ body: () throws -> Result
    ) rethrows -> Result {
        guard let profile = current else { return try body() }
        let start = ContinuousClock.now
        let result = try body()
        profile.add(name(), pass, flops: flops(), seconds: (ContinuousClock.now - start) / .seconds(1))
        return result
    }

    private func add(_ name: String, _ pass: Pass?, flops: Double, seconds: Double) {
        state.withLock {
            let known = $0.entries.firstIndex { $0.name == name && $0.pass == pass }
            if known == nil { $0.entries.append(Entry(name: name, pass: pass)) }
            let i = known ?? $0.entries.count - 1
            $0.entries[i].calls += 1
            $0.entries[i].seconds += seconds
            $0.entries[i].flops += flops
        }
    }
}
