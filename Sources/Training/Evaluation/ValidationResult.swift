import Models

/// The result of a validation on all of the validation data or on a sample of it.
public struct ValidationResult: Sendable, Equatable {
    /// The value of the task's measure: for next-token prediction, the loss in nats per token.
    public var value: Double
    /// The number of windows that were scored.
    public var windows: Int
    /// The number of windows in the validation data.
    public var allWindows: Int
    /// The standard error of `value` as an estimate of the value over all windows; nil if all windows were scored, or
    /// too few for an estimate.
    public var standardError: Double?

    /// Whether all windows were scored.
    public var isComplete: Bool { windows >= allWindows }

    public init(value: Double, windows: Int, allWindows: Int, standardError: Double? = nil) {
        self.value = value
        self.windows = windows
        self.allWindows = allWindows
        self.standardError = standardError
    }

    init(_ evaluation: Evaluation, scored limit: Int, of all: Int) {
        let windows = min(limit, all)
        // The finite population correction: the sampling error is zero if all windows are scored.
        let unknown = 1 - Double(windows) / Double(max(1, all))
        self.init(
            value: evaluation.loss, windows: windows, allWindows: all,
            standardError: windows < all ? evaluation.standardError.map { $0 * unknown.squareRoot() } : nil)
    }
}
