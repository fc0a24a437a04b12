import CKernels

/// The weights w_i = exp((x_i - max x) / T) of tokens with logits x (V): proportional to their probabilities, and 1 for
/// the most probable token.
package struct SamplingWeights {
    /// (V). 0 for a logit that is NaN, and for weights too small for a float.
    package private(set) var values: [Float]
    /// The sum of each block of the weights.
    private var sums: [Float]

    private static let block = Int(GPT_SAMPLING_BLOCK)

    package init(count: Int) {
        values = Array(repeating: 0, count: count)
        sums = Array(repeating: 0, count: (count + Self.block - 1) / Self.block)
    }

    /// The largest logit; -inf if all are NaN.
    package static func highest(_ logits: [Float]) -> Float {
        logits.withUnsafeBufferPointer {
            gpt_highest(Execution.current.kernels, Int64($0.count), $0.baseAddress)
        }
    }

    /// - Parameters:
    ///   - logits: (V).
    ///   - highest: the largest of them.
    ///   - temperature: T, above 0.
    ///   - minimum: weights below this become 0.
    package mutating func set(_ logits: [Float], highest: Float, temperature: Double, minimum: Double = 0) {
        precondition(logits.count == values.count, "one weight for each logit")
        logits.withUnsafeBufferPointer { logits in
            values.withUnsafeMutableBufferPointer { values in
                sums.withUnsafeMutableBufferPointer { sums in
                    gpt_sampling_weights(
                        Execution.current.kernels, Int64(logits.count), logits.baseAddress, highest,
                        Float(temperature), Float(minimum), values.baseAddress, sums.baseAddress)
                }
            }
        }
    }

    /// The sum of all weights.
    package var total: Double { sums.reduce(0) { $0 + Double($1) } }

    /// The first token at which the cumulative sum of the weights exceeds `point`; nil if the total does not.
    package func token(at point: Double) -> Int? {
        var rest = point, first = 0
        for sum in sums {
            if rest < Double(sum) {
                for id in first..<min(first + Self.block, values.count) {
                    rest -= Double(values[id])
                    if rest < 0 { return id }
                }
            } else {
                rest -= Double(sum)
            }
            first += Self.block
        }
        return nil
    }
}
