import Models

/// What a validation measured, on all of the validation data or on a sample of it.
public struct ValidationResult: Sendable, Equatable {
    /// The measure of the task: for next tokens the loss in nats per token.
    public var value: Double
    /// Windows that were scored.
    public var windows: Int
    /// Windows there are.
    public var allWindows: Int
    /// The standard error of the value as an estimate of that over all windows; nil where all were scored, or too few to tell.
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
        // What is not left to chance, the share that was scored, has no error.
        let unknown = 1 - Double(windows) / Double(max(1, all))
        self.init(
            value: evaluation.loss, windows: windows, allWindows: all,
            standardError: windows < all ? evaluation.standardError.map { $0 * unknown.squareRoot() } : nil)
    }
}
