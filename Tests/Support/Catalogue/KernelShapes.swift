/// Shapes for the kernels that no op has to itself.
package enum KernelShapes {
    /// Few and many rows; blocks of 384 words of k and 1,536 columns; strips of 6 rows and panels of 16 or 64 columns;
    /// an odd k, whose last word has one element; a k that is halved where a is transposed.
    package static let products: [(m: Int, n: Int, k: Int)] = [
        (1, 1, 1), (5, 7, 3), (13, 65, 33), (33, 200, 77), (100, 48, 129), (400, 20, 24), (50, 130, 801),
        (20, 1601, 40),
        (1600, 17, 21), (24, 33, 1701),
    ]

    /// Weights of products of few rows. Whole panels and blocks, and one more or less; the last so large that its rows
    /// are read in chunks.
    package static let weights: [(inputs: Int, outputs: Int)] = [
        (1, 1), (5, 17), (31, 63), (32, 64), (33, 65), (100, 70), (129, 130), (128, 384), (600, 20), (261, 515),
    ]

    /// Attention to a cache: batch, heads, size of a head, tokens in the cache, new tokens.
    package static let cachedAttention: [(B: Int, heads: Int, size: Int, cached: Int, new: Int)] = [
        (1, 1, 1, 0, 1), (1, 1, 1, 1, 1), (2, 5, 40, 0, 33), (2, 5, 40, 32, 1), (3, 2, 80, 15, 2), (2, 2, 80, 7, 3),
        (2, 3, 17, 5, 4), (1, 2, 8, 20, 25), (3, 1, 16, 23, 24), (1, 4, 3, 64, 1), (2, 4, 3, 63, 49),
    ]
}
