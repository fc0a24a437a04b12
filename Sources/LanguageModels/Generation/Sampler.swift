import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Chooses a token from the logits x (V) that a model gives the next one.
///
/// In this order, each step working on what the one before it left:
///
/// 1. **Bans**: a banned token has x = -inf. So has one whose logit is not a number.
/// 2. **Repetition penalty** theta (Keskar et al., "CTRL", 2019, section 4.1) on every token that is in the text already:
///    x / theta. The paper has positive scores in mind; a negative one is multiplied by theta, so that it falls as well.
/// 3. **Temperature** T: p_i = exp(x_i / T) / sum_j exp(x_j / T). At T = 0, the limit, the largest x is taken: *greedy*.
/// 4. **Top-k** (Fan, Lewis and Dauphin, "Hierarchical neural story generation", 2018): the k most probable stay.
/// 5. **Top-p** (Holtzman et al., "The curious case of neural text degeneration", 2020), the *nucleus*: the most probable
///    stay until their probabilities together reach p. The one that reaches it is the last.
/// 6. **Min-p** (Nguyen et al., "Turning up the heat", 2024): those stay whose probability is at least minP times that of
///    the most probable.
///
/// Of those that are left, one is drawn by their probabilities. Of equals the lowest id comes first throughout.
///
/// Nothing is sorted that need not be, and no memory is allocated: without top-k and top-p a token costs one pass over
/// the vocabulary; with them the candidates become a heap, from which only as many are taken as stay.
package struct Sampler {
    private let settings: GenerationSettings
    private let isBanned: [Bool]

    /// Working space: the ids that may still be drawn, those that a step keeps of them, the logits of all, and the
    /// weights of those that are left, proportional to p.
    private var ids: [Int32] = []
    private var kept: [Int32] = []
    private var scores: [Float]
    private var weights: [Double] = []

    /// - Parameter banned: ids that are never drawn. Those outside the vocabulary are none of it.
    package init(_ settings: GenerationSettings, vocabularySize: Int, banned: some Sequence<Int32> = []) {
        self.settings = settings
        var isBanned = [Bool](repeating: false, count: vocabularySize)
        for id in banned where isBanned.indices.contains(Int(id)) { isBanned[Int(id)] = true }
        self.isBanned = isBanned
        scores = [Float](repeating: 0, count: vocabularySize)
        ids.reserveCapacity(vocabularySize)
        kept.reserveCapacity(vocabularySize)
        weights.reserveCapacity(vocabularySize)
    }

    /// The next token: nil where none is possible, because all are banned or no logit is a number.
    ///
    /// - Parameters:
    ///   - logits: (V). Infinite ones are taken at their word: +inf is certain, -inf impossible.
    ///   - isInText: (V) which tokens the text has, for the repetition penalty.
    ///   - random: asked for one number, or for none where there is no choice.
    package mutating func next(_ logits: Span<Float>, isInText: [Bool], random: inout Philox) -> Int32? {
        precondition(logits.count == isBanned.count && isInText.count == isBanned.count, "one logit for each token")
        guard let best = collectCandidates(logits, isInText: isInText) else { return nil }
        if settings.temperature == 0 || settings.topK == 1 { return best }
        let highest = scores[Int(best)]

        if let k = settings.topK, k < ids.count { keepMostProbable(k, highest: highest) }
        if settings.topP < 1 {
            let total = ids.reduce(0) { $0 + weight($1, highest: highest) }
            keepMostProbable(ids.count, untilTheySumTo: settings.topP * total, highest: highest)
        }
        weights.removeAll(keepingCapacity: true)
        for id in ids {
            let weight = weight(id, highest: highest)
            weights.append(weight >= settings.minP ? weight : 0)
        }

        var point = random.nextUniform() * weights.reduce(0, +)
        for (position, weight) in weights.enumerated() {
            point -= weight
            if point < 0 { return ids[position] }
        }
        // Rounding has left a little over.
        return best
    }

    /// Fills `ids` and `scores` (steps 1 and 2), and finds the first of the highest.
    private mutating func collectCandidates(_ logits: Span<Float>, isInText: [Bool]) -> Int32? {
        ids.removeAll(keepingCapacity: true)
        let penalty = Float(settings.repetitionPenalty)
        var best: Int32?
        var highest = -Float.infinity
        for id in 0..<logits.count where !isBanned[id] {
            var score = logits[id]
            if penalty != 1, isInText[id] { score = score > 0 ? score / penalty : score * penalty }
            // Not true of one that is not a number.
            guard score > -.infinity else { continue }
            scores[id] = score
            ids.append(Int32(id))
            if score > highest { (best, highest) = (Int32(id), score) }
        }
        return best
    }

    /// p of a token relative to that of the most probable one (step 3): exp((x - highest) / T).
    private func weight(_ id: Int32, highest: Float) -> Double {
        let score = scores[Int(id)]
        // Also where both are infinite, and their difference is not a number.
        return score == highest ? 1 : exp((Double(score) - Double(highest)) / settings.temperature)
    }

    /// Steps 4 and 5: leaves in `ids`, in this order, the most probable of them: at most `count`, and no more than are
    /// needed for their weights to sum to `share`.
    private mutating func keepMostProbable(
        _ count: Int, untilTheySumTo share: Double = .infinity, highest: Float
    ) {
        for root in stride(from: ids.count / 2 - 1, through: 0, by: -1) { siftDown(from: root) }
        kept.removeAll(keepingCapacity: true)
        var sum = 0.0
        while kept.count < count, sum < share, let first = ids.first {
            kept.append(first)
            sum += weight(first, highest: highest)
            ids[0] = ids[ids.count - 1]
            ids.removeLast()
            siftDown(from: 0)
        }
        swap(&ids, &kept)
    }

    /// Lets the id at `root` of the heap sink to where neither of its children is more probable.
    private mutating func siftDown(from root: Int) {
        func precedes(_ a: Int32, _ b: Int32) -> Bool {
            let (x, y) = (scores[Int(a)], scores[Int(b)])
            return x > y || (x == y && a < b)
        }
        var position = root
        while 2 * position + 1 < ids.count {
            var child = 2 * position + 1
            if child + 1 < ids.count, precedes(ids[child + 1], ids[child]) { child += 1 }
            guard precedes(ids[child], ids[position]) else { return }
            ids.swapAt(child, position)
            position = child
        }
    }
}
