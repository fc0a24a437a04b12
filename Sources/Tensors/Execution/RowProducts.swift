/// Which product multiplies the rows of a batch with a weight in generation.
///
/// The product of few rows and the general product differ in the order of summation, so in the last bits. Within each, the
/// bits of a row depend neither on the number of the other rows nor on what they hold (with Accelerate, this holds within a
/// product of few rows only). So if the product is fixed, a sequence has the same bits alone and among others, and a prompt
/// has the same bits in one part and in several.
package enum RowProducts: Sendable {
    /// The faster one for the number of rows.
    case byCount
    /// The general product, also for a few rows that are a part of a long prompt.
    case asPrompt
    /// The product of few rows, also for the next tokens of many sequences.
    case asSteps
}
