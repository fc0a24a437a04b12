/// The elements of each parameter that one of several processes updates.
///
/// Each process keeps only the moments of its own elements, so N processes together need the memory of one optimizer (stage 1 of
/// ZeRO; Rajbhandari et al., "ZeRO: Memory optimizations toward training trillion parameter models", 2020).
package struct OptimizerShard: Equatable, Sendable {
    /// A range for each parameter, empty where other processes update all of it.
    package let elements: [Range<Int>]

    /// Boundaries between processes are multiples of this number of elements. The kernel of AdamW then forms the same vectors as
    /// in an update of the whole parameter, so the results have the same bits.
    package static let alignment = 64

    /// The shard of a process that updates everything.
    static func whole(_ counts: [Int]) -> OptimizerShard { OptimizerShard(elements: counts.map { 0..<$0 }) }

    /// The shard of a process that updates nothing.
    static func none(_ count: Int) -> OptimizerShard { OptimizerShard(elements: Array(repeating: 0..<0, count: count)) }

    /// Divides the parameters so that all processes need about the same memory for moments.
    ///
    /// Muon updates a weight as a whole and needs one moment. These weights are assigned first, the largest first, each to the
    /// process with the fewest moments so far. AdamW updates each element by itself and needs two moments. Its elements are then
    /// distributed so that all processes have about the same number of moments.
    /// - Parameters:
    ///   - parameters: the number of elements of each parameter, and whether Muon updates it.
    ///   - count: the number of processes.
    /// - Returns: the shard of each process.
    package static func divide(_ parameters: [(count: Int, usesMuon: Bool)], among count: Int) -> [OptimizerShard] {
        var elements = Array(repeating: Array(repeating: 0..<0, count: parameters.count), count: count)
        var floats = Array(repeating: 0, count: count)
        func leastLoaded() -> Int { floats.indices.min { (floats[$0], $0) < (floats[$1], $1) } ?? 0 }

        let muon = parameters.indices.filter { parameters[$0].usesMuon }
        for i in muon.sorted(by: { (-parameters[$0].count, $0) < (-parameters[$1].count, $1) }) {
            let process = leastLoaded()
            elements[process][i] = 0..<parameters[i].count
            floats[process] += parameters[i].count
        }

        let all = parameters.reduce(0) { $0 + $1.count * ($1.usesMuon ? 1 : 2) }
        let share = (all + count - 1) / count
        var process = 0
        for i in parameters.indices where !parameters[i].usesMuon {
            var start = 0
            while start < parameters[i].count {
                let rest = parameters[i].count - start
                let room = max(0, share - floats[process]) / 2
                // The last process takes what is left.
                let isLast = process == count - 1
                let taken = isLast || room >= rest ? rest : room / alignment * alignment
                if taken > 0 {
                    elements[process][i] = start..<start + taken
                    floats[process] += 2 * taken
                    start += taken
                }
                if start < parameters[i].count { process += 1 }
            }
        }
        return elements.map { OptimizerShard(elements: $0) }
    }
}
