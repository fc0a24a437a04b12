/// Which product multiplies the rows of a batch with a weight in generation.
///
/// The product of few rows and the general product differ in the order of summation, so in the last bits. Within each, the
/// bits of a row depend neither on the number of the other rows nor on what they hold (with Accelerate, this holds within a
/// product of few rows only). So whoever fixes the product gets the same bits for a sequence alone and among others, and
/// for a prompt in one part or in several.
package enum RowProducts: Sendable {
    /// The faster one for the number of rows.
    case byCount
    /// The general product, also for a few rows that are a part of a long prompt.
    case asPrompt
    /// The product of few rows, also for the next tokens of many sequences.
    case asSteps
}
