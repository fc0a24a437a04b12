import Platform

/// Intervals for shares: of n texts, k were right.
public enum ConfidenceInterval {
    /// The Wilson score interval of k successes in n trials (Wilson, 1927), with 95% confidence:
    ///
    ///     (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n),   p = k/n,  z = 1.959964
    ///
    /// Unlike p ± z √(p(1-p)/n) it stays within 0 and 1, and has a width where all or none are right. It is 0...1 if n is 0.
    public static func wilson(_ successes: Int, of trials: Int) -> ClosedRange<Double> {
        precondition(successes >= 0 && successes <= trials, "there are no more successes than trials")
        guard trials > 0 else { return 0...1 }
        let z = 1.959963984540054, n = Double(trials), share = Double(successes) / n
        let middle = share + z * z / (2 * n)
        let radius = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        let scale = 1 + z * z / n
        // Rounding must not leave the interval's bounds outside 0 and 1, or beyond the share itself.
        let lower = successes == 0 ? 0 : max(0, (middle - radius) / scale)
        let upper = successes == trials ? 1 : min(1, (middle + radius) / scale)
        return lower...upper
    }
}
