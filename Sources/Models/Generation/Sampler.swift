import Tensors

/// Samples the next token from a model's logits x (V), in these steps:
///
/// 1. **Biases** are added to the logits of some tokens (OpenAI's `logit_bias`).
/// 2. **Bans**: the logit of a banned token becomes -inf. So does a logit that is NaN.
/// 3. **Repetition penalty** theta (Keskar et al., "CTRL", 2019, section 4.1) for every token that is already in the
///    text: x / theta. The paper assumes positive scores; a negative one is multiplied by theta, so that it decreases
///    as well.
/// 4. **Temperature** T: p_i = exp(x_i / T) / sum_j exp(x_j / T). T = 0 is the limit, *greedy* sampling: the largest x.
/// 5. **Top-k** (Fan, Lewis and Dauphin, "Hierarchical neural story generation", 2018): the k most probable tokens
///    remain.
/// 6. **Top-p** (Holtzman et al., "The curious case of neural text degeneration", 2020), the *nucleus*: the most
///    probable tokens remain, up to and including the one with which their total probability reaches p.
/// 7. **Min-p** (Nguyen et al., "Turning up the heat", 2024): the tokens remain whose probability is at least minP
///    times the highest.
///
/// One of the remaining tokens is drawn according to their probabilities. Among equal logits the lowest id comes first.
///
/// No memory is allocated, and no more is sorted than necessary: without top-k and top-p a token costs one vectorised
/// pass over the vocabulary; with them the candidates form a heap, from which only the remaining ones are removed.
package struct Sampler {
    private let settings: GenerationSettings
    private let banned: [Int]

    /// Working space: the logits, the weights proportional to the probabilities, the ids that may still be drawn, and
    /// those of them that remain after a step.
    private var scores: [Float]
    private var weights: SamplingWeights
    private var ids: [Int32] = []
    private var remaining: [Int32] = []

    /// - Parameters:
    ///   - settings: how tokens are sampled.
    ///   - vocabularySize: V.
    ///   - banned: ids that are never drawn. Ids outside the vocabulary are ignored.
    package init(_ settings: GenerationSettings, vocabularySize: Int, banned: some Sequence<Int32> = []) {
        self.settings = settings
        self.banned = banned.map { Int($0) }.filter { 0 <= $0 && $0 < vocabularySize }
        scores = [Float](repeating: 0, count: vocabularySize)
        weights = SamplingWeights(count: vocabularySize)
        guard settings.topK != nil || settings.topP < 1 else { return }
        ids.reserveCapacity(vocabularySize)
        remaining.reserveCapacity(vocabularySize)
    }

    /// The next token; nil if none is possible, because all are banned or all logits are NaN or -inf.
    ///
    /// - Parameters:
    ///   - logits: (V). A token with +inf is certain, with -inf impossible.
    ///   - isInText: (V) whether each token is in the text, for the repetition penalty.
    ///   - random: one number is drawn from it, or none if there is no choice.
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
        // Because of rounding the weights may not reach the drawn point.
        return token.map { Int32($0) } ?? firstOfHighest(highest)
    }

    /// Steps 1 to 3.
    private mutating func setScores(_ logits: Span<Float>, isInText: [Bool]) {
        logits.withUnsafeBufferPointer { logits in
            scores.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: logits) }
        }
        for (id, bias) in settings.logitBias where scores.indices.contains(Int(id)) { scores[Int(id)] += Float(bias) }
        for id in banned { scores[id] = -.infinity }
        let penalty = Float(settings.repetitionPenalty)
        guard penalty != 1 else { return }
        for id in scores.indices where isInText[id] {
            scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty
        }
    }

    private func firstOfHighest(_ highest: Float) -> Int32? { scores.firstIndex(of: highest).map { Int32($0) } }

    private func weight(_ id: Int32) -> Double { Double(weights.values[Int(id)]) }

    /// Steps 5 to 7.
    private mutating func drawFromMostProbable(_ random: inout Philox) -> Int? {
        ids.removeAll(keepingCapacity: true)
        // False for NaN.
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

    /// Steps 5 and 6: reduces `ids` to the most probable of them, in descending order: at most `count`, and no more
    /// than are needed for their weights to sum to `share`.
    private mutating func keepMostProbable(_ count: Int, untilTheySumTo share: Double = .infinity) {
        for root in stride(from: ids.count / 2 - 1, through: 0, by: -1) { siftDown(from: root) }
        remaining.removeAll(keepingCapacity: true)
        var sum = 0.0
        while remaining.count < count, sum < share, let first = ids.first {
            remaining.append(first)
            sum += weight(first)
            ids[0] = ids[ids.count - 1]
            ids.removeLast()
            siftDown(from: 0)
        }
        swap(&ids, &remaining)
    }

    /// Moves the id at `root` down the heap until neither of its children is more probable.
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
