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

    /// - Parameters:
    ///   - beams: the number of hypotheses.
    ///   - lengthPenalty: the exponent of the length.
    ///   - stopsEarly: whether the search ends with as many complete targets as beams.
    ///   - maximumLength: the maximum number of tokens of a target.
    public init(beams: Int = 1, lengthPenalty: Double = 1, stopsEarly: Bool = false, maximumLength: Int) {
        self.beams = beams
        self.lengthPenalty = lengthPenalty
        self.stopsEarly = stopsEarly
        self.maximumLength = maximumLength
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
/// and the best `beams` that do not end are continued. A target of the maximum length ends with the end token.
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

    let model: EncoderDecoder
    let settings: BeamSearchSettings
    /// Ids that are never generated.
    let banned: [Int32]

    /// The tokens of the best target, without the start token and with the end token.
    func run(_ source: [Int32]) -> [Int32] {
        let beams = settings.beams, end = model.configuration.endToken
        let maximum = min(settings.maximumLength, model.configuration.contextLength)
        let session = TranslationSession(model, source: source, hypotheses: beams)
        var running = [Hypothesis(tokens: [], logProbability: 0)]
        var complete: [(tokens: [Int32], score: Double)] = []
        var inputs = [Int32](repeating: model.configuration.startToken, count: beams)
        for length in 1...max(1, maximum) {
            let logits = session.append(inputs)
            let all = continuations(of: running, logits, forced: length == maximum ? end : nil)
            let best = all.prefix(2 * beams)
            for continuation in best.prefix(beams) where continuation.token == end {
                let score = continuation.logProbability / pow(Double(length), settings.lengthPenalty)
                complete.append((running[continuation.origin].tokens + [end], score))
            }
            complete = Array(complete.sorted { $0.score > $1.score }.prefix(beams))
            let continued = best.filter { $0.token != end }.prefix(beams)
            guard length < maximum, let first = continued.first else { break }
            if complete.count == beams {
                let bestPossible = first.logProbability / pow(Double(length), settings.lengthPenalty)
                if settings.stopsEarly || bestPossible <= complete[beams - 1].score { break }
            }
            // A beam without a continuation repeats another one, and its result is not used.
            let origins = (0..<beams).map { continued[min($0, continued.count - 1)].origin }
            running = continued.map { continuation in
                Hypothesis(
                    tokens: running[continuation.origin].tokens + [continuation.token],
                    logProbability: continuation.logProbability)
            }
            inputs = (0..<beams).map { continued[min($0, continued.count - 1)].token }
            session.select(origins)
        }
        return complete.first?.tokens ?? [end]
    }

    /// The continuations of all hypotheses by a token, the best first.
    /// - Parameter forced: the only token that is possible, if any.
    private func continuations(of running: [Hypothesis], _ logits: Tensor, forced: Int32?) -> [Continuation] {
        let V = model.vocabularySize, wanted = 2 * settings.beams
        var all: [Continuation] = []
        logits.withElements { logits in
            for (origin, hypothesis) in running.enumerated() {
                let row = logits[origin * V..<(origin + 1) * V]
                let total = logSum(row)
                func logProbability(_ token: Int32) -> Double {
                    hypothesis.logProbability + Double(row[row.startIndex + Int(token)]) - total
                }
                if let forced {
                    // The log probability of the only possible token counts as 0, as in transformers.
                    all.append(
                        Continuation(origin: origin, token: forced, logProbability: hypothesis.logProbability))
                    continue
                }
                for token in highest(wanted, of: row) {
                    all.append(Continuation(origin: origin, token: token, logProbability: logProbability(token)))
                }
            }
        }
        return all.sorted { $0.logProbability > $1.logProbability }
    }

    /// The ids of the highest logits, without the banned ones, the highest first.
    private func highest(_ count: Int, of row: Slice<UnsafeMutableBufferPointer<Float>>) -> [Int32] {
        var best: [(id: Int32, logit: Float)] = []
        for (id, logit) in row.enumerated() where best.count < count || logit > best[best.count - 1].logit {
            if banned.contains(Int32(id)) { continue }
            let place = best.firstIndex { $0.logit < logit } ?? best.count
            best.insert((Int32(id), logit), at: place)
            if best.count > count { best.removeLast() }
        }
        return best.map(\.id)
    }

    /// log(sum(exp(x))).
    private func logSum(_ x: Slice<UnsafeMutableBufferPointer<Float>>) -> Double {
        let maximum = Double(x.max() ?? 0)
        return maximum + log(x.reduce(0) { $0 + exp(Double($1) - maximum) })
    }
}

extension EncoderDecoder {
    /// The most probable target of a source that is found.
    /// - Parameters:
    ///   - source: at least one token, and at most as many as the context has.
    ///   - settings: how it is searched.
    ///   - banned: ids that are never generated.
    /// - Returns: the tokens of the target, with its end token and without the start token.
    public func translate(_ source: [Int32], settings: BeamSearchSettings, banned: [Int32] = []) -> [Int32] {
        precondition(
            !source.isEmpty && source.count <= configuration.contextLength && settings.beams > 0,
            "a source of \(source.count) tokens, \(settings.beams) beams")
        return BeamSearch(model: self, settings: settings, banned: banned).run(source)
    }
}
