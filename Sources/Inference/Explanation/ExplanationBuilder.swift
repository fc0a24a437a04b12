import Models
import Tensors
import Tokenizers

/// Makes an explanation.
struct ExplanationBuilder {
    private let explainer: Explainer
    private let input: Explainer.Input
    private let settings: ExplanationSettings
    private let tokenizer: (any Tokenizer)?

    /// The induction score of each head of each layer; nil if it is not measured.
    private let induction: [[Double]]?

    init(
        _ explainer: Explainer, _ input: Explainer.Input, _ settings: ExplanationSettings, induction: [[Double]]?
    ) {
        (self.explainer, self.input, self.settings, self.induction) = (explainer, input, settings, induction)
        tokenizer = explainer.tokenizer
    }

    /// - Throws: `ExplanationError.notFinite`.
    func explanation() throws(ExplanationError) -> Explanation {
        var attention: [Explanation.LayerAttention] = [], heads: [HeadScores] = []
        let traces = explainer.trace(input) { kind, layer, map in
            let map = map()
            heads += HeadScores.scores(map, kind, layer: layer, induction: kind == .own ? induction?[layer] : nil)
            if settings.patterns == .all { attention.append(.init(kind: kind, layer: layer, map: map)) }
        }
        guard let last = traces.last?.trace, last.output.withElements({ $0.allSatisfy(\.isFinite) }) else {
            throw .notFinite
        }
        let prediction = prediction(last)
        let isFinite =
            prediction.scores.allSatisfy(\.logProbability.isFinite)
            && (prediction.lens.last ?? []).allSatisfy { settings.lensTop == 0 || !$0.isEmpty }
        guard isFinite else { throw .notFinite }
        let tokens: [Explanation.Token], target: [Explanation.Token]
        switch kind {
        case .translator:
            tokens = plain(input.ids)
            target = scored(input.target ?? [], prediction.scores, shifted: true)
        case .decoder, .masked:
            tokens = scored(input.ids, prediction.scores, shifted: kind == .decoder)
            target = []
        case .classifier, .encoder: (tokens, target) = (plain(input.ids), [])
        }
        return Explanation(
            kind: kind, tokens: tokens, target: target, translation: translation, labels: labels,
            lens: prediction.lens, heads: heads, attention: attention,
            hidden: settings.keepsHidden ? traces.map(hidden) : [], tokenizer: tokenizer)
    }

    private var kind: Explanation.Kind {
        guard let encoder = explainer.model.encoder else {
            return explainer.model.encoderDecoder == nil ? .decoder : .translator
        }
        return switch encoder.configuration.head {
        case .none: .encoder
        case .classifier: .classifier
        case .maskedTokens: .masked
        }
    }

    private func hidden(_ network: Network, _ trace: ForwardTrace) -> Explanation.HiddenStates {
        let hasNorm = explainer.model is Transformer
        return .init(network: network, residuals: trace.residuals, normalized: hasNorm ? trace.output : nil)
    }

    // MARK: Tokens

    /// Tokens without probabilities.
    private func plain(_ ids: [Int32]) -> [Explanation.Token] {
        ids.enumerated().map { position, id in
            .init(
                id: id, piece: tokenizer.piece(id, isFirst: position == 0), logProbability: nil, alternatives: [])
        }
    }

    /// Tokens with their probabilities.
    /// - Parameters:
    ///   - ids: the tokens.
    ///   - scores: for each position the probability of its own token, or if `shifted` that of the one after it.
    private func scored(_ ids: [Int32], _ scores: [ScoredToken], shifted: Bool) -> [Explanation.Token] {
        ids.enumerated().map { position, id in
            let place = shifted ? position - 1 : position
            let score = scores.indices.contains(place) ? scores[place] : nil
            return .init(
                id: id, piece: tokenizer.piece(id, isFirst: position == 0), logProbability: score?.logProbability,
                alternatives: score?.alternatives ?? [])
        }
    }

    private var translation: String? {
        guard let model = explainer.model.encoderDecoder, let tokenizer, let target = input.target else { return nil }
        let ids = target.dropFirst()
        return tokenizer.decode(ids.last == model.configuration.endToken ? ids.dropLast() : ids)
    }

    private var labels: [LabelProbability] {
        guard let encoder = explainer.model.encoder, kind == .classifier else { return [] }
        let logits = encoder.classify(TokenBatch(input.ids), types: input.types)  // (1, labels)
        return logits.withElements { logits in
            LogSoftmax(UnsafeBufferPointer(logits)).top(logits.count).map {
                LabelProbability(label: encoder.configuration.labels[Int($0.id)], probability: $0.probability)
            }
        }
    }

    // MARK: Predictions

    /// The ids that the model should predict at each position; -1 where nothing is known.
    private var targets: [Int32] {
        switch kind {
        case .decoder: Array(input.ids.dropFirst()) + [-1]
        case .translator: Array((input.target ?? []).dropFirst()) + [-1]
        case .masked, .classifier, .encoder: input.ids
        }
    }

    /// The logit lens, and the scores of the tokens of the text.
    private func prediction(_ trace: ForwardTrace) -> (lens: [[[TokenLogProbability]]], scores: [ScoredToken]) {
        guard kind != .classifier, kind != .encoder else { return ([], []) }
        let lensTop = settings.lensTop, count = max(settings.top, lensTop), targets = targets
        var lens: [[[TokenLogProbability]]] = [], scores: [ScoredToken] = []
        for layer in 0..<max(1, trace.residuals.count) {
            let isLast = layer >= trace.residuals.count - 1
            let hidden = isLast ? trace.output : trace.residuals[layer]
            var rows: [ScoredToken] = []
            for (first, part) in hidden.parts(logitsOf: explainer.model.vocabularySize) {
                rows += logits(part, isLast: isLast).mapRows(explainer.model.vocabularySize) { row, logits in
                    let logSoftmax = LogSoftmax(logits), target = targets[first + row]
                    return ScoredToken(
                        id: target, logProbability: target < 0 ? 0 : logSoftmax[target],
                        alternatives: logSoftmax.top(isLast ? count : lensTop))
                }
            }
            lens.append(rows.map { Array($0.alternatives.prefix(settings.lensTop)) })
            guard isLast else { continue }
            scores = rows.map {
                ScoredToken(
                    id: $0.id, logProbability: $0.logProbability,
                    alternatives: Array($0.alternatives.prefix(settings.top)))
            }
        }
        return (lens, scores)
    }

    /// The logits of hidden vectors after a block, or of the last ones.
    private func logits(_ hidden: Tensor, isLast: Bool) -> Tensor {
        switch explainer.model.form {
        case .neural(let model): model.logits(ofHidden: isLast ? hidden : model.finalHidden(hidden))
        case .encoder(let model): model.tokenLogits(hidden)
        case .encoderDecoder(let model): model.logits(Variable(hidden, needsGradient: false))
        case .counted, .other: preconditionFailure("a model without weights")
        }
    }
}

extension Tensor {
    /// The rows of hidden vectors (1, T, C) in parts of about the same length, such that the logits of a part fit into 256 MB. The
    /// whole is one part if its logits do.
    fileprivate func parts(logitsOf vocabularySize: Int) -> [(first: Int, rows: Tensor)] {
        let T = shape.rows, C = shape.columns, most = max(64, (1 << 26) / max(1, vocabularySize))
        guard T > most else { return [(0, self)] }
        let count = (T + most - 1) / most
        return withElements { elements in
            (0..<count).map { part in
                let rows = part * T / count..<(part + 1) * T / count
                let values = Array(elements[rows.lowerBound * C..<rows.upperBound * C])
                return (rows.lowerBound, Tensor([1, rows.count, C], values))
            }
        }
    }

    /// A result for each row of logits (rows, V), computed on all threads.
    fileprivate func mapRows(
        _ vocabularySize: Int, _ body: @Sendable (_ row: Int, UnsafeBufferPointer<Float>) -> ScoredToken
    ) -> [ScoredToken] {
        let rows = count / vocabularySize
        return [ScoredToken](unsafeUninitializedCapacity: rows) { results, count in
            // Each item initializes an element of its own.
            nonisolated(unsafe) let results = results
            Execution.current.forEach(below: rows) { row in
                withElements { logits in
                    let part = logits[row * vocabularySize..<(row + 1) * vocabularySize]
                    let result = body(row, UnsafeBufferPointer(rebasing: part))
                    results.baseAddress.map { ($0 + row).initialize(to: result) }
                }
            }
            count = rows
        }
    }
}
