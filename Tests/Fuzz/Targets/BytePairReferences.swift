import Tokenizers

/// Byte-pair encoding as the papers have it: the whole list of pairs is looked through for every merge.
package func slowlyMerged(
    _ piece: some Collection<UInt8>, _ byteIDs: [Int32],
    _ rule: (_ left: Int32, _ right: Int32) -> (rank: Int, id: Int32)?
) -> [Int32] {
    var ids = piece.map { byteIDs[Int($0)] }
    while true {
        var best: (rank: Int, id: Int32, place: Int)?
        for place in ids.indices.dropLast() {
            guard let found = rule(ids[place], ids[place + 1]), found.rank < best?.rank ?? .max else { continue }
            best = (found.rank, found.id, place)
        }
        guard let best else { return ids }
        ids.replaceSubrange(best.place...best.place + 1, with: [best.id])
    }
}

/// Training as it is told: count all pairs, merge the most frequent, begin again.
///
/// - Parameters:
///   - pieces: in ids, in the order of the text.
///   - counts: how often each occurs.
///   - merges: at most so many.
///   - firstID: the id of the first merge.
///   - minimum: pairs that occur less often are not merged.
///   - prefersFirst: of pairs that occur equally often the one met first in the text is merged, and not that with the
///     smallest ids.
package func slowTraining(
    _ pieces: [[Int32]], counts: [Int], merges: Int, firstID: Int32, minimum: Int = 1, prefersFirst: Bool = false
) -> [(merge: Merge, count: Int)] {
    struct Pair: Hashable {
        var left: Int32
        var right: Int32
    }
    var pieces = pieces
    var learnt: [(merge: Merge, count: Int)] = []
    for number in 0..<merges {
        var frequency: [Pair: Int] = [:]
        var order: [Pair] = []
        for (piece, count) in zip(pieces, counts) {
            for (left, right) in zip(piece, piece.dropFirst()) {
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
        for index in pieces.indices {
            var merged: [Int32] = []
            var place = 0
            while place < pieces[index].count {
                let isPair =
                    place + 1 < pieces[index].count && pieces[index][place] == best.left
                    && pieces[index][place + 1] == best.right
                merged.append(isPair ? new : pieces[index][place])
                place += isPair ? 2 : 1
            }
            pieces[index] = merged
        }
    }
    return learnt
}
