import Platform
import Tensors

/// The settings of a search for the best target.
public struct BeamSearchSettings: Sendable, Equatable {
    /// The number of hypotheses that are continued at the same time; 1 for greedy search.
    public var beams: Int
    /// The exponent of the length in the score of a target, log p(target) / length^lengthPenalty. Values above 0 favour long
    /// targets, values below 0 short ones.
    public var lengthPenalty: Double
    /// Whether the search ends as soon as the number of complete targets is the number of beams. If false, it continues while
    /// the best hypothesis, with its score at the current length, is better than the worst complete target.
    public var stopsEarly: Bool
    /// The maximum number of tokens of a target, with its end token.
    public var maximumLength: Int
    /// Whether the last token of a target of the maximum length is the end token, whatever is more probable
    /// (`forced_eos_token_id`).
    public var forcesEnd: Bool
    /// Whether log probabilities are those among the tokens that are not banned (`renormalize_logits`).
    public var renormalizes: Bool

    /// - Parameters:
    ///   - beams: the number of hypotheses.
    ///   - lengthPenalty: the exponent of the length.
    ///   - stopsEarly: whether the search ends with as many complete targets as beams.
    ///   - maximumLength: the maximum number of tokens of a target.
    ///   - forcesEnd: whether the last token of a target of the maximum length is the end token.
    ///   - renormalizes: whether log probabilities are those among the tokens that are not banned.
    public init(
        beams: Int = 1, lengthPenalty: Double = 1, stopsEarly: Bool = false, maximumLength: Int, forcesEnd: Bool = true,
        renormalizes: Bool = false
    ) {
        self.beams = beams
        self.lengthPenalty = lengthPenalty
        self.stopsEarly = stopsEarly
        self.maximumLength = maximumLength
        self.forcesEnd = forcesEnd
        self.renormalizes = renormalizes
    }
}

/// Beam search for the most probable target of a source (Graves, 2012), with the rules of `generate` in Hugging Face's
/// transformers.
///
/// In each step the continuations of all hypotheses are ordered by their log probabilities. Of the best `beams`, those that end
/// become complete targets with the score
///
///     log p(target) / length^lengthPenalty
///
/// and the best `beams` that do not end are continued. Of targets of the maximum length all end there.
///
/// The search does not run the model. It is the state between two steps: `advance` expects the logits that follow from `inputs`.
struct BeamSearch {
    private struct Hypothesis {
        var tokens: [Int32]
        var logProbability: Double
    }

    private struct Continuation {
        let origin: Int
        let token: Int32
        let logProbability: Double
    }

    private let settings: BeamSearchSettings
    private let end: Int32
    private let start: Int32
    private let maximum: Int
    private let banned: BannedTokens
    private var running = [Hypothesis(tokens: [], logProbability: 0)]
    private var complete: [(tokens: [Int32], score: Double)] = []
    private var length = 0

    /// The token with which each of the `beams` hypotheses is continued.
    private(set) var inputs: [Int32]
    /// The hypothesis of the step before that each of them continues.
    private(set) var origins: [Int]
    /// Whether the target is known.
    private(set) var isOver = false

    init(_ model: EncoderDecoderConfiguration, _ settings: BeamSearchSettings, banned: BannedTokens) {
        self.settings = settings
        self.banned = banned
        (start, end) = (model.startToken, model.endToken)
        maximum = max(1, min(settings.maximumLength, model.contextLength))
        inputs = Array(repeating: model.startToken, count: settings.beams)
        origins = Array(repeating: 0, count: settings.beams)
    }

    /// The tokens of the best target, without the start token.
    var target: [Int32] { complete.first?.tokens ?? [end] }

    /// Continues the hypotheses.
    /// - Parameter logits: of the next token of each hypothesis: (beams, V).
    mutating func advance(_ logits: UnsafeMutableBufferPointer<Float>) {
        length += 1
        let beams = settings.beams, isLast = length == maximum
        let best = continuations(logits, forced: isLast && settings.forcesEnd ? end : nil).prefix(2 * beams)
        for continuation in best.prefix(beams) where isLast || continuation.token == end {
            let score = continuation.logProbability / pow(Double(length), settings.lengthPenalty)
            complete.append((running[continuation.origin].tokens + [continuation.token], score))
        }
        complete = Array(complete.sorted { $0.score > $1.score }.prefix(beams))
        let continued = best.filter { $0.token != end }.prefix(beams)
        guard !isLast, let first = continued.first else {
            isOver = true
            return
        }
        if complete.count == beams {
            let bestPossible = first.logProbability / pow(Double(length), settings.lengthPenalty)
            if settings.stopsEarly || bestPossible <= complete[beams - 1].score {
                isOver = true
                return
            }
        }
        // A beam without a continuation repeats another one, and its result is not used.
        origins = (0..<beams).map { continued[min($0, continued.count - 1)].origin }
        inputs = (0..<beams).map { continued[min($0, continued.count - 1)].token }
        running = continued.map { continuation in
            Hypothesis(
                tokens: running[continuation.origin].tokens + [continuation.token],
                logProbability: continuation.logProbability)
        }
    }

    /// The continuations of all hypotheses by a token, the best first.
    /// - Parameters:
    ///   - logits: of the next token of each hypothesis.
    ///   - forced: the only token that is possible, if any.
    private func continuations(_ logits: UnsafeMutableBufferPointer<Float>, forced: Int32?) -> [Continuation] {
        let V = logits.count / settings.beams, wanted = 2 * settings.beams
        var all: [Continuation] = []
        for (origin, hypothesis) in running.enumerated() {
            if let forced {
                // The log probability of the only possible token counts as 0, as in transformers.
                all.append(Continuation(origin: origin, token: forced, logProbability: hypothesis.logProbability))
                continue
            }
            let row = UnsafeMutableBufferPointer(rebasing: logits[origin * V..<(origin + 1) * V])
            let withBanned = settings.renormalizes ? nil : logSum(row)
            banned.apply(to: row, after: hypothesis.tokens, start: start)
            let total = withBanned ?? logSum(row)
            for token in highest(wanted, of: row) {
                let logit = Double(row[Int(token)])
                all.append(
                    Continuation(
                        origin: origin, token: token, logProbability: hypothesis.logProbability + logit - total))
            }
        }
        return all.sorted { $0.logProbability > $1.logProbability }
    }

    /// The ids of the highest logits that are not -inf, the highest first.
    private func highest(_ count: Int, of row: UnsafeMutableBufferPointer<Float>) -> [Int32] {
        var best: [(id: Int32, logit: Float)] = []
        for (id, logit) in row.enumerated()
        where logit > (best.count < count ? -.infinity : best[best.count - 1].logit) {
            let place = best.firstIndex { $0.logit < logit } ?? best.count
            best.insert((Int32(id), logit), at: place)
            if best.count > count { best.removeLast() }
        }
        return best.map(\.id)
    }

    /// log(sum(exp(x))).
    private func logSum(_ x: UnsafeMutableBufferPointer<Float>) -> Double {
        let maximum = Double(x.max() ?? 0)
        return maximum + log(x.reduce(0) { $0 + exp(Double($1) - maximum) })
    }
}

/// Tokens and sequences of tokens that a target does not contain (transformers' `bad_words_ids`).
struct BannedTokens {
    /// The ids that are banned wherever they would be.
    private let tokens: [Int]
    /// Sequences of two tokens or more: the last token is banned after the others.
    private let sequences: [[Int32]]

    /// - Parameters:
    ///   - banned: the sequences. Those with an id that the vocabulary does not have are in no target.
    ///   - vocabularySize: V.
    ///   - end: the end token, which cannot be banned by itself.
    init(_ banned: [[Int32]], vocabularySize: Int, end: Int32) {
        let possible = banned.filter { $0.allSatisfy { 0..<vocabularySize ~= Int($0) } }
        tokens = possible.filter { $0.count == 1 && $0[0] != end }.map { Int($0[0]) }
        sequences = possible.filter { $0.count > 1 }
    }

    /// Makes the logits of the tokens -inf that are banned after some others.
    func apply(to logits: UnsafeMutableBufferPointer<Float>, after target: [Int32], start: Int32) {
        for token in tokens { logits[token] = -.infinity }
        if sequences.isEmpty { return }
        let before = [start] + target
        for sequence in sequences {
            let prefix = sequence.dropLast()
            if before.count >= prefix.count, before.suffix(prefix.count).elementsEqual(prefix) {
                logits[Int(sequence[prefix.count])] = -.infinity
            }
        }
    }
}

extension EncoderDecoder {
    /// The most probable target of a source that is found.
    /// - Parameters:
    ///   - source: at least one token, and at most as many as the context has.
    ///   - settings: how it is searched.
    ///   - banned: sequences of tokens that the target does not contain. An id by itself is never generated, and the last id of
    ///     a longer sequence is not generated after the others. The end token cannot be banned by itself.
    /// - Returns: the tokens of the target, with its end token and without the start token.
    public func translate(
        _ source: [Int32], settings: BeamSearchSettings, banned: [[Int32]] = []
    ) -> [Int32] {
        translate([source], settings: settings, banned: banned)[0]
    }

    /// The most probable targets of several sources that are found, which share the steps of the model.
    ///
    /// Each target is the same, to the bit, as if its source were translated alone.
    /// - Parameters:
    ///   - sources: each of at least one token, and of at most as many as the context has.
    ///   - settings: how they are searched.
    ///   - banned: sequences of tokens that no target contains.
    /// - Returns: the tokens of each target, with its end token and without the start token.
    public func translate(
        _ sources: [[Int32]], settings: BeamSearchSettings, banned: [[Int32]] = []
    ) -> [[Int32]] {
        precondition(
            sources.allSatisfy { !$0.isEmpty && $0.count <= configuration.contextLength } && settings.beams > 0,
            "sources of \(sources.map(\.count)) tokens, \(settings.beams) beams")
        // Few rows are multiplied in another order than many, and independently of one another.
        let together = max(1, DecodingProduct.gemvRows / settings.beams)
        let table = BannedTokens(banned, vocabularySize: vocabularySize, end: configuration.endToken)
        return stride(from: 0, to: sources.count, by: together).flatMap { first in
            search(Array(sources[first..<min(first + together, sources.count)]), settings, table)
        }
    }

    private func search(
        _ sources: [[Int32]], _ settings: BeamSearchSettings, _ banned: BannedTokens
    ) -> [[Int32]] {
        let beams = settings.beams, V = vocabularySize
        var searches = sources.map { _ in BeamSearch(configuration, settings, banned: banned) }
        let session = TranslationSession(self, sources: sources, hypotheses: beams)
        var active = Array(searches.indices)
        while true {
            let logits = session.append(active.flatMap { searches[$0].inputs })
            logits.withElements { logits in
                for (place, search) in active.enumerated() {
                    let rows = place * beams * V..<(place + 1) * beams * V
                    searches[search].advance(UnsafeMutableBufferPointer(rebasing: logits[rows]))
                }
            }
            let kept = active.indices.filter { !searches[active[$0]].isOver }
            if kept.isEmpty { return searches.map(\.target) }
            let origins = kept.flatMap { place in searches[active[place]].origins.map { place * beams + $0 } }
            session.select(origins, of: kept.count < active.count ? kept : nil)
            active = kept.map { active[$0] }
        }
    }
}
