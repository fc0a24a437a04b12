/// Which rows of a table are for validation.
enum ValidationChoice {
    /// Chooses rows in random order, as many as `fraction` of them, rounded, but at least one and not all.
    ///
    /// Rows with equal keys form a group, which is chosen as a whole or not at all, so that no text is in both parts. A group
    /// that would exceed the number is skipped, so fewer rows may be chosen. If every group would exceed it, the smallest group
    /// is chosen. If all keys are equal, no row is chosen.
    ///
    /// - Parameters:
    ///   - keys: the key of each row.
    ///   - fraction: the share to choose, from 0 to 1; of 0 nothing is chosen.
    ///   - random: what decides the order.
    /// - Returns: the positions in `keys`.
    static func rows(_ keys: [some Hashable], fraction: Double, using random: inout SplitMix64) -> [Int] {
        let groups = groups(keys)
        let order = random.permutation(groups.count)
        guard fraction > 0, groups.count >= 2 else { return [] }
        let wanted = max(Int((fraction * Double(keys.count)).rounded()), 1)
        var chosen: [Int] = []
        for group in order.dropLast() where chosen.count + groups[group].count <= wanted { chosen += groups[group] }
        if chosen.isEmpty, let smallest = order.min(by: { groups[$0].count < groups[$1].count }) {
            chosen = groups[smallest]
        }
        return chosen
    }

    /// The positions of equal keys, in the order in which each key comes first.
    private static func groups<Key: Hashable>(_ keys: [Key]) -> [[Int]] {
        var groups: [[Int]] = [], numbers: [Key: Int] = [:]
        for (index, key) in keys.enumerated() {
            let number = numbers[key] ?? groups.count
            if number == groups.count {
                numbers[key] = number
                groups.append([])
            }
            groups[number].append(index)
        }
        return groups
    }
}
