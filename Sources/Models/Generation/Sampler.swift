import Tensors

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
/// the vocabulary, a vector at a time; with them the candidates become a heap, from which only as many are taken as stay.
package struct Sampler {
    private let settings: GenerationSettings
    private let banned: [Int]

    /// Working space: the logits of all, proportional weights of all, the ids that may still be drawn, and those that a
    /// step keeps of them.
    private var scores: [Float]
    private var weights: SamplingWeights
    private var ids: [Int32] = []
    private var kept: [Int32] = []

    /// - Parameter banned: ids that are never drawn. Those outside the vocabulary are none of it.
    package init(_ settings: GenerationSettings, vocabularySize: Int, banned: some Sequence<Int32> = []) {
        self.settings = settings
        self.banned = banned.map { Int($0) }.filter { 0 <= $0 && $0 < vocabularySize }
        scores = [Float](repeating: 0, count: vocabularySize)
        weights = SamplingWeights(count: vocabularySize)
        guard settings.topK != nil || settings.topP < 1 else { return }
        ids.reserveCapacity(vocabularySize)
        kept.reserveCapacity(vocabularySize)
    }

    /// The next token: nil where none is possible, because all are banned or no logit is a number.
    ///
    /// - Parameters:
    ///   - logits: (V). Infinite ones are taken at their word: +inf is certain, -inf impossible.
    ///   - isInText: (V) which tokens the text has, for the repetition penalty.
    ///   - random: asked for one number, or for none where there is no choice.
    package mutating func next(_ logits: Span<Float>, isInText: [Bool], random: inout Philox) -> Int32? {
        precondition(logits.count == scores.count && isInText.count == scores.count, "one logit for each token")
        setScores(logits, isInText: isInText)
        let highest = SamplingWeights.highest(scores)
        guard highest > -.infinity else { return nil }
        if settings.temperature == 0 || settings.topK == 1 { return firstOfHighest(highest) }
        let cuts = settings.topK != nil || settings.topP < 1
        weights.set(
            scores, highest: highest, temperature: settings.temperature, minimum: cuts ? 0 : settings.minP)
        let token = cuts ? drawFromMostProbable(&random) : weights.token(at: random.nextUniform() * weights.total)
        // Rounding may have left a little over.
        return token.map { Int32($0) } ?? firstOfHighest(highest)
    }

    /// Steps 1 and 2.
    private mutating func setScores(_ logits: Span<Float>, isInText: [Bool]) {
        logits.withUnsafeBufferPointer { logits in
            scores.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: logits) }
        }
        for id in banned { scores[id] = -.infinity }
        let penalty = Float(settings.repetitionPenalty)
        guard penalty != 1 else { return }
        for id in scores.indices where isInText[id] {
            scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty
        }
    }

    private func firstOfHighest(_ highest: Float) -> Int32? { scores.firstIndex(of: highest).map { Int32($0) } }

    private func weight(_ id: Int32) -> Double { Double(weights.values[Int(id)]) }

    /// Steps 4 to 6.
    private mutating func drawFromMostProbable(_ random: inout Philox) -> Int? {
        ids.removeAll(keepingCapacity: true)
        // Not true of one that is not a number.
        for id in scores.indices where scores[id] > -.infinity { ids.append(Int32(id)) }
        if let k = settings.topK, k < ids.count { keepMostProbable(k) }
        if settings.topP < 1 {
            let total = ids.reduce(0) { $0 + weight($1) }
            keepMostProbable(ids.count, untilTheySumTo: settings.topP * total)
        }
        func weightIfKept(_ id: Int32) -> Double { weight(id) >= settings.minP ? weight(id) : 0 }
        var point = random.nextUniform() * ids.reduce(0) { $0 + weightIfKept($1) }
        for id in ids {
            point -= weightIfKept(id)
            if point < 0 { return Int(id) }
        }
        return nil
    }

    /// Steps 4 and 5: leaves in `ids`, in this order, the most probable of them: at most `count`, and no more than are
    /// needed for their weights to sum to `share`.
    private mutating func keepMostProbable(_ count: Int, untilTheySumTo share: Double = .infinity) {
        for root in stride(from: ids.count / 2 - 1, through: 0, by: -1) { siftDown(from: root) }
        kept.removeAll(keepingCapacity: true)
        var sum = 0.0
        while kept.count < count, sum < share, let first = ids.first {
            kept.append(first)
            sum += weight(first)
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
