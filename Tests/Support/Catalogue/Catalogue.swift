import Tensors

/// Every op and loss of the engine, each on one line with the shapes it is tested on and the tolerance of its kernels.
/// A new op needs a line here: the suites then check its kernels against its reference, its gradients against finite
/// differences, each instruction set against the others, and each number of threads against one.
package enum Catalogue {
    package static let samples: [Sample] = [
        line("Add", sums, within: 1e-7) { _ in Add() },
        line("Embedding", tables, within: 1e-6) { Embedding(tokens(2, 33, of: $0[0]), from: .same(4)) },
        line("Embedding without positions", tables.map { [$0[0]] }, within: 1e-6) {
            Embedding(tokens(3, 7, of: $0[0]), hasPositions: false)
        },
        line("Embedding with sinusoids", tables.map { [$0[0]] }, within: 1e-6) {
            Embedding(
                tokens(2, 33, of: $0[0]), from: .same(4), hasPositions: false, sinusoids: sinusoids(width: $0[0][1]))
        },
        line("Embedding with scaled tokens", tables, within: 1e-6) {
            Embedding(tokens(2, 33, of: $0[0]), from: .same(4), scale: 3)
        },
        line("Embedding with sines before cosines", tables.map { [$0[0]] }, within: 1e-6) {
            Embedding(
                tokens(2, 33, of: $0[0]), from: .same(4), hasPositions: false,
                sinusoids: sinusoids(.sinesFirst, width: $0[0][1]))
        },
        line("Embedding of sequences of different lengths", tables, within: 1e-6) {
            Embedding(TokenBatch(SequenceLengths([7, 33, 1]), ids: tokens(1, 41, of: $0[0]).ids), from: .same(4))
        },
        line("SelectRows", places, within: 1e-7) { shapes in
            SelectRows([0, 0] + (0..<Int32(shapes[0].rows)).filter { $0 % 3 == 1 }.reversed())
        },
        line("Activate with tanh", places, within: 1e-6) { _ in Activate(.tanh) },
        line("Activate with exact GELU", places, within: 1e-6) { _ in Activate(.exactGELU) },
        line("Activate with GELU", places, within: 1e-6) { _ in Activate(.gelu) },
        line("Activate with SiLU", places, within: 1e-6) { _ in Activate(.silu) },
        line("Linear", layers, scaled: fanIn, within: 3e-6) { _ in Linear() },
        line("Linear without bias", layers.map { [$0[0], $0[1]] }, scaled: fanIn, within: 3e-6) { _ in
            Linear(hasBias: false)
        },
        line("Linear with a residual", layers.map(withResidual), scaled: { fanIn($0) + [1] }, within: 3e-6) { _ in
            Linear(hasResidual: true)
        },
        line("Linear, stored (O, I)", layers.map(transposed), scaled: { fanIn($0.map(\.flipped)) }, within: 3e-6) { _ in
            Linear(isTransposed: true)
        },
        line(
            "Linear, stored (O, I), without bias", layers.map { [$0[0], $0[1].flipped] },
            scaled: { fanIn($0.map(\.flipped)) }, within: 3e-6
        ) { _ in
            Linear(hasBias: false, isTransposed: true)
        },
        line("FeedForward with a residual", feedForwards.map(withResidual), scaled: { fanIns($0) + [1] }, within: 4e-6)
        {
            FeedForward(activation: .gelu, hasResidual: true, chunkElements: 4 * $0[1][1] + 1)
        },
        line("FeedForward with GELU", feedForwards, scaled: fanIns, within: 4e-6) { _ in
            FeedForward(activation: .gelu)
        },
        line("FeedForward with exact GELU", feedForwards, scaled: fanIns, within: 4e-6) { _ in
            FeedForward(activation: .exactGELU)
        },
        line(
            "FeedForward, stored (O, I), in chunks, with a residual",
            feedForwards.map(withResidual).map(transposedTwice),
            scaled: { fanIns($0.enumerated().map { [1, 3].contains($0) ? $1.flipped : $1 }) + [1] }, within: 4e-6
        ) {
            FeedForward(
                activation: .exactGELU, hasResidual: true, isTransposed: true, chunkElements: 4 * $0[1][0] + 1)
        },
        line("FeedForward with ReLU", fewElements, scaled: fanIns, within: 4e-6) { _ in
            FeedForward(activation: .relu)
        },
        line("FeedForward with SiLU", feedForwards, scaled: fanIns, within: 4e-6) { _ in
            FeedForward(activation: .silu)
        },
        line("FeedForward without biases", feedForwards.map { [$0[0], $0[1], $0[3]] }, scaled: noBiases, within: 4e-6) {
            FeedForward(activation: .gelu, hasBias: false, chunkElements: 4 * $0[1][1] + 1)
        },
        line("FeedForward in chunks", feedForwards, scaled: fanIns, within: 4e-6) {
            FeedForward(activation: .gelu, chunkElements: 4 * $0[1][1] + 1)
        },
        line("GatedFeedForward", gatedFeedForwards, scaled: gatedFanIns, within: 4e-6) { _ in GatedFeedForward() },
        line(
            "GatedFeedForward in chunks, with a residual",
            gatedFeedForwards.map { $0 + [Shape($0[0].dimensions.dropLast() + [$0[3][0]])] },
            scaled: { gatedFanIns($0) + [1] }, within: 4e-6
        ) {
            GatedFeedForward(hasResidual: true, chunkElements: 4 * $0[1][0] + 1)
        },
        // One of its gradients is a sum of few terms that are ten times as large. FeedForwardTests checks their
        // rounding against the same rounding in double.
        line(
            "GatedFeedForward with biases and a residual", gatedFeedForwards.prefix(3).map(withBiases),
            scaled: { gatedFanIns($0) + [0.5, 0.5, 0.5, 1] }, within: 4e-6, roundedWithin: 0.03
        ) {
            GatedFeedForward(hasBias: true, hasResidual: true, chunkElements: 4 * $0[1][0] + 1)
        },
        line("GatedFeedForward in chunks of whole blocks", [gated([2, 130], 5, 9)], scaled: gatedFanIns, within: 4e-6) {
            GatedFeedForward(chunkElements: 100 * $0[1][0])
        },
        // A vector of one number becomes its sign, whose derivative is 0 except for rounding, so epsilon has to be
        // large.
        line("RMSNorm", norms.filter { $0[1] != [1] }.map { [$0[0], $0[1]] }, within: 3e-6) { _ in
            RMSNorm(epsilon: 1e-6)
        },
        line("RMSNorm with a large epsilon", norms.map { [$0[0], $0[1]] }, within: 3e-6) { _ in RMSNorm(epsilon: 0.5) },
        line("RMSNorm of the heads", heads(3).map { [$0[0], [$0[0][2] / 9]] }, within: 3e-6) { _ in
            RMSNorm(epsilon: 0.5)
        },
        line("Rotary", rotations, within: 2e-6) { _ in
            Rotary(AngleTable(.rotary, width: 6, frequencies: AngleTable.frequencies(width: 6, base: 100)))
        },
        line("Rotary after a cache", rotations.map { [[$0[0][0], $0[0][1], $0[0][2] / 6 * 68]] }, within: 2e-6) { _ in
            Rotary(
                AngleTable(.rotary, width: 68, frequencies: AngleTable.frequencies(width: 68, base: 1e4)),
                from: .same(11))
        },
        line("LayerNorm", norms, within: 3e-6) { _ in LayerNorm(epsilon: 1e-5) },
        line("LayerNorm with a large epsilon", norms, within: 3e-6) { _ in LayerNorm(epsilon: 0.5) },
        line("Attention, one head", heads(1), within: 4e-6) { _ in Attention(heads: 1, mask: .causal) },
        line("Attention, five heads", heads(5), within: 4e-6) { _ in Attention(heads: 5, mask: .causal) },
        line("Attention without a mask", heads(3), within: 4e-6) { _ in Attention(heads: 3, mask: .full) },
        // Gradients of queries and keys are small differences, so as separate tensors they have a larger relative
        // error.
        line(
            "Attention of separate queries, keys and values", groupedHeads(3, 3), within: 4e-6, roundedWithin: 0.05
        ) { _ in
            Attention(heads: 3, mask: .causal)
        },
        line("Attention of grouped queries", groupedHeads(6, 2), within: 4e-6, roundedWithin: 0.05) { _ in
            Attention(heads: 6, keyValueHeads: 2, mask: .causal)
        },
        line("Attention with one key/value head, fused projections", multiQueryHeads(4), within: 4e-6) { _ in
            Attention(heads: 4, keyValueHeads: 1, mask: .causal)
        },
        line("Attention of sequences of different lengths", unequalHeads(3), within: 4e-6, roundedWithin: 0.04) { _ in
            Attention(heads: 3, mask: .full, lengths: SequenceLengths(unequalLengths))
        },
        line("Attention of sequences of different lengths, causal", unequalHeads(2), within: 4e-6, roundedWithin: 0.04)
        { _ in
            Attention(heads: 2, mask: .causal, lengths: SequenceLengths(unequalLengths))
        },
        line("Cross-attention", crossHeads(3, 3), within: 4e-6, roundedWithin: 0.05) { _ in
            Attention(heads: 3, mask: .full)
        },
        line("Cross-attention of grouped queries", crossHeads(6, 2), within: 4e-6, roundedWithin: 0.05) { _ in
            Attention(heads: 6, keyValueHeads: 2, mask: .full)
        },
        line(
            "Cross-attention of sequences of different lengths", unequalCrossHeads(2), within: 4e-6, roundedWithin: 0.05
        ) { _ in
            Attention(
                heads: 2, mask: .full, lengths: SequenceLengths(unequalLengths),
                keyLengths: SequenceLengths(unequalLengths.reversed().map { $0 + 2 }))
        },
        line("Attention with linear biases", heads(5), within: 4e-6) { _ in
            Attention(heads: 5, mask: .causal, slopes: slopes(5))
        },
        line("Attention with linear biases, without a mask", heads(3), within: 4e-6) { _ in
            Attention(heads: 3, mask: .full, slopes: slopes(3))
        },
        line("Attention with linear biases, of sequences of different lengths", unequalHeads(4), within: 4e-6) { _ in
            Attention(heads: 4, mask: .full, lengths: SequenceLengths(unequalLengths), slopes: slopes(4))
        },
        line("Dropout, none", places, within: 1e-7) { _ in Dropout(rate: 0, key: 7) },
        line("Dropout, a tenth", places, within: 1e-7) { _ in Dropout(rate: 0.1, key: 1 << 40 | 3) },
        line("Dropout, most", places, within: 1e-7) { _ in Dropout(rate: 0.9, key: .max) },
        line("CrossEntropy", classifiers, within: 5e-6) { CrossEntropy(targets: targets($0[0], $0[1][0])) },
        line("CrossEntropy in chunks", classifiers, within: 5e-6) {
            CrossEntropy(targets: targets($0[0], $0[1][0]), chunkElements: 4 * $0[1][0] + 1)
        },
        line(
            "CrossEntropy with a bias and label smoothing, in chunks", severalTokens.map { $0 + [[$0[1][0]]] },
            within: 5e-6
        ) {
            CrossEntropy(
                targets: targets($0[0], $0[1][0]), hasBias: true, smoothing: 0.1, chunkElements: 4 * $0[1][0] + 1)
        },
        line(
            "CrossEntropy of logits with label smoothing", severalTokens.map { [[$0[0].rows, $0[1][0]]] }, within: 5e-6
        ) {
            CrossEntropy(targets: targets($0[0], $0[0].columns), hasClassifier: false, smoothing: 0.3)
        },
        line("CrossEntropy of logits", classifiers.map { [[$0[0].rows, $0[1][0]]] }, within: 5e-6) {
            CrossEntropy(targets: targets($0[0], $0[0].columns), hasClassifier: false)
        },
    ].flatMap { $0 }

    // MARK: Shapes

    private static let sums: [[Shape]] = [[1], [3, 5, 7], [2, 33, 200], [8191], [5, 8193]].map { [$0, $0] }

    /// Tokens (V, C) and positions (N, C), for 33 tokens from position 4 on.
    private static let tables: [[Shape]] = [
        [[2, 1], [37, 1]], [[257, 7], [64, 7]], [[11, 200], [40, 200]], [[65, 65], [37, 65]],
    ]

    /// x, weight (I, O) and bias. Few rows (up to 12) use other code paths of the kernel than many; beyond 384 inputs
    /// or 1,536 outputs a product is computed in blocks.
    private static let layers: [[Shape]] =
        [
            layer([1], 1, 1), layer([5], 3, 7), layer([6], 17, 31), layer([1], 200, 65), layer([13], 1, 5),
            layer([13], 16, 33), layer([2, 33], 200, 15), layer([2, 6], 400, 40), layer([7], 33, 257),
            layer([14], 65, 64), layer([100], 3, 1),
        ] + large([layer([400], 20, 24), layer([13], 400, 1601), layer([13], 1600, 24), layer([97], 390, 100)])

    /// x, weight (C, F), bias, weight (F, C) and bias.
    private static let feedForwards: [[Shape]] =
        [feedForward([1], 1, 1), feedForward([5], 3, 7), feedForward([13], 6, 17), feedForward([2, 33], 20, 80)]
        + large([feedForward([100], 40, 400), feedForward([7], 200, 800)])

    /// x, the gate and up projections (F, C), and the down projection (C, F).
    private static let gatedFeedForwards: [[Shape]] =
        [gated([1], 1, 1), gated([5], 3, 7), gated([13], 6, 17), gated([2, 33], 20, 80)]
        + large([gated([100], 40, 300), gated([7], 200, 800)])

    private static func gated(_ rows: [Int], _ width: Int, _ inner: Int) -> [Shape] {
        [Shape(rows + [width]), [inner, width], [inner, width], [width, inner]]
    }

    /// The same with its three biases and a residual.
    private static func withBiases(_ shapes: [Shape]) -> [Shape] {
        shapes + [[shapes[1][0]], [shapes[2][0]], [shapes[3][0]], shapes[0]]
    }

    private static func transposedTwice(_ network: [Shape]) -> [Shape] {
        network.enumerated().map { [1, 3].contains($0) ? $1.flipped : $1 }
    }

    private static func transposed(_ layer: [Shape]) -> [Shape] { [layer[0], layer[1].flipped, layer[2]] }

    /// Few elements, so that no finite difference steps over the kink of ReLU.
    private static let fewElements = [feedForward([5], 3, 7), feedForward([13], 6, 17)]

    private static let norms: [[Shape]] =
        [[1, 1], [5, 3], [1, 200], [2, 33, 17], [7, 768], [70, 64]].map { [$0, [$0[-1]], [$0[-1]]] }

    /// Up to three queries use another code path of the kernel than more; those are processed in blocks of 24 or 48.
    private static let sequences: [(batch: Int, length: Int, size: Int)] = [
        (1, 1, 1), (2, 3, 5), (1, 4, 16), (2, 33, 40), (1, 25, 1), (1, 24, 8), (1, 50, 80), (3, 7, 17),
    ]

    /// (B, T, 3C) for a number of heads.
    private static func heads(_ heads: Int) -> [[Shape]] {
        sequences.map { [[$0.batch, $0.length, 3 * heads * $0.size]] }
    }

    /// Queries of some heads, keys and values of fewer. At a single position, queries and keys would have no gradient.
    private static func groupedHeads(_ heads: Int, _ keyValueHeads: Int) -> [[Shape]] {
        sequences.filter { $0.length > 1 }.map { sequence in
            [heads, keyValueHeads, keyValueHeads].map { [sequence.batch, sequence.length, $0 * sequence.size] }
        }
    }

    /// Of sequences that lie one after another, the first shorter than a block of queries, the others longer.
    private static let unequalLengths = [3, 50, 1, 27]

    /// (1, N, 3C).
    private static func unequalHeads(_ heads: Int) -> [[Shape]] {
        [1, 5, 17, 40].map { [[1, unequalLengths.reduce(0, +), 3 * heads * $0]] }
    }

    private static func unequalCrossHeads(_ heads: Int) -> [[Shape]] {
        let N = unequalLengths.reduce(0, +)
        return [5, 17, 40].map { size in [N, N + 8, N + 8].map { rows in [1, rows, heads * size] } }
    }

    /// Queries (B, T, heads size), keys and values (B, S, keyValueHeads size).
    private static func crossHeads(_ heads: Int, _ keyValueHeads: Int) -> [[Shape]] {
        [(1, 1, 4, 5), (2, 3, 2, 17), (1, 60, 7, 8), (3, 4, 90, 40), (2, 33, 34, 16)].map { B, T, S, size in
            [[B, T, heads * size], [B, S, keyValueHeads * size], [B, S, keyValueHeads * size]]
        }
    }

    private static func slopes(_ heads: Int) -> [Float] { (1...heads).map { 1 / Float(1 << $0) } }

    /// (B, T, (heads + 2) size).
    private static func multiQueryHeads(_ heads: Int) -> [[Shape]] {
        sequences.map { [[$0.batch, $0.length, (heads + 2) * $0.size]] }
    }

    /// One, two or five heads of 6.
    private static let rotations: [[Shape]] = [[[1, 1, 6]], [[2, 5, 12]], [[1, 70, 30]], [[3, 33, 6]]]

    private static let places: [[Shape]] = [
        [[1, 1]], [[5, 7]], [[3, 33, 200]], [[2, 70]], [[40, 65]], [[17, 16]],
    ]

    /// Hidden vectors and the classifier (V, C).
    private static let classifiers: [[Shape]] =
        [
            [[1, 1], [1, 1]], [[5, 3], [2, 3]], [[2, 33, 20], [257, 20]], [[13, 17], [65, 17]],
            [[1, 200], [16, 200]],
        ]
        + large([[[7, 20], [5003, 20]]])

    /// With a single token the gradients are 0 except for rounding.
    private static let severalTokens = classifiers.filter { $0[1][0] > 1 }

    /// Shapes whose references are too slow without optimization.
    private static func large(_ shapes: [[Shape]]) -> [[Shape]] {
        #if DEBUG
            []
        #else
            shapes
        #endif
    }

    /// An additional last input of the output's shape: the residual.
    private static func withResidual(_ shapes: [Shape]) -> [Shape] {
        shapes + [Shape(shapes[0].dimensions.dropLast() + [shapes[shapes.count - 1][0]])]
    }

    private static func layer(_ rows: [Int], _ inputs: Int, _ outputs: Int) -> [Shape] {
        [Shape(rows + [inputs]), [inputs, outputs], [outputs]]
    }

    private static func feedForward(_ rows: [Int], _ width: Int, _ inner: Int) -> [Shape] {
        [Shape(rows + [width]), [width, inner], [inner], [inner, width], [width]]
    }

    // MARK: Inputs of the ops

    private static func sinusoids(_ form: AngleTable.Form = .sinusoidal, width: Int) -> AngleTable {
        AngleTable(
            form, width: width, frequencies: AngleTable.frequencies(width: width, base: 10_000))
    }

    /// Ids among which many are equal.
    private static func tokens(_ batch: Int, _ length: Int, of table: Shape) -> TokenBatch {
        let ids = (0..<batch * length).map { Int32(($0 * $0 + 3) % min(19, table[0])) }
        return TokenBatch(batch: batch, length: length, ids: ids)
    }

    /// A target for each row, some of them absent.
    private static func targets(_ rows: Shape, _ vocabulary: Int) -> [Int32] {
        (0..<rows.rows).map { $0 % 5 == 3 ? -1 : Int32(($0 * 31 + 7) % vocabulary) }
    }

    /// The scale of weights that preserves the variance of their inputs.
    private static func fanIn(_ shapes: [Shape]) -> [Double] {
        [1, 1 / Double(shapes[1][0]).squareRoot(), 0.5]
    }

    private static func noBiases(_ shapes: [Shape]) -> [Double] {
        [1, 1 / Double(shapes[1][0]).squareRoot(), 1 / Double(shapes[2][0]).squareRoot()]
    }

    private static func fanIns(_ shapes: [Shape]) -> [Double] {
        [1, 1 / Double(shapes[1][0]).squareRoot(), 0.5, 1 / Double(shapes[3][0]).squareRoot(), 0.5]
    }

    private static func gatedFanIns(_ shapes: [Shape]) -> [Double] {
        [1] + shapes[1...3].map { 1 / Double($0[1]).squareRoot() }
    }

    private static func line(
        _ name: String, _ shapes: [[Shape]], scaled deviations: ([Shape]) -> [Double] = { $0.map { _ in 1 } },
        within tolerance: Double, roundedWithin roundedTolerance: Double = 0.02, _ make: ([Shape]) -> any Operation
    ) -> [Sample] {
        shapes.map {
            Sample(
                name, .operation(make($0)), shapes: $0, deviations: deviations($0), tolerance: tolerance,
                roundedTolerance: roundedTolerance)
        }
    }

    private static func line(
        _ name: String, _ shapes: [[Shape]], within tolerance: Double, _ make: ([Shape]) -> any Loss
    ) -> [Sample] {
        shapes.map {
            Sample(name, .loss(make($0)), shapes: $0, deviations: $0.map { _ in 1 }, tolerance: tolerance)
        }
    }
}

extension Shape {
    /// The same for the transposed matrix.
    fileprivate var flipped: Shape { Shape(dimensions.reversed()) }
}
