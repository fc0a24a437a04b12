import Tokenizers

/// Byte-pair encoding as in the papers: every merge searches the whole list of pairs.
package func slowlyMerged(
    _ pretoken: some Collection<UInt8>, _ byteIDs: [Int32],
    _ rule: (_ left: Int32, _ right: Int32) -> (rank: Int, id: Int32)?
) -> [Int32] {
    var ids = pretoken.map { byteIDs[Int($0)] }
    while true {
        var best: (rank: Int, id: Int32, position: Int)?
        for position in ids.indices.dropLast() {
            guard let found = rule(ids[position], ids[position + 1]), found.rank < best?.rank ?? .max else { continue }
            best = (found.rank, found.id, position)
        }
        guard let best else { return ids }
        ids.replaceSubrange(best.position...best.position + 1, with: [best.id])
    }
}

/// Training as in the papers: count all pairs, merge the most frequent, repeat.
///
/// - Parameters:
///   - pretokens: the pre-tokens as ids, in the order of the text.
///   - counts: the number of occurrences of each.
///   - merges: the maximum number of merges.
///   - firstID: the id of the first merge.
///   - minimum: pairs that occur less often are not merged.
///   - prefersFirst: whether, of equally frequent pairs, the first in the text is merged rather than the one with the
///     smallest ids.
package func slowTraining(
    _ pretokens: [[Int32]], counts: [Int], merges: Int, firstID: Int32, minimum: Int = 1, prefersFirst: Bool = false
) -> [(merge: Merge, count: Int)] {
    struct Pair: Hashable {
        var left: Int32
        var right: Int32
    }
    var pretokens = pretokens
    var learnt: [(merge: Merge, count: Int)] = []
    for number in 0..<merges {
        var frequency: [Pair: Int] = [:]
        var order: [Pair] = []
        for (pretoken, count) in zip(pretokens, counts) {
            for (left, right) in zip(pretoken, pretoken.dropFirst()) {
                let pair = Pair(left: left, right: right)
                if frequency[pair] == nil { order.append(pair) }
                frequency[pair, default: 0] += count
            }
        }
        if !prefersFirst { order.sort { ($0.left, $0.right) < ($1.left, $1.right) } }
        guard var best = order.first else { break }
        for pair in order where frequency[pair, default: 0] > frequency[best, default: 0] { best = pair }
        let count = frequency[best, default: 0]
        guard count >= minimum else { break }
        let new = firstID + Int32(number)
        learnt.append((Merge(left: best.left, right: best.right, result: new), count))
        for index in pretokens.indices {
            var merged: [Int32] = []
            var position = 0
            while position < pretokens[index].count {
                let isPair =
                    position + 1 < pretokens[index].count && pretokens[index][position] == best.left
                    && pretokens[index][position + 1] == best.right
                merged.append(isPair ? new : pretokens[index][position])
                position += isPair ? 2 : 1
            }
            pretokens[index] = merged
        }
    }
    return learnt
}
