import Synchronization
import Tensors

/// The results of an op's reference for a sample, in double: its outputs, and derivatives of a weighted sum of the
/// outputs by central differences.
package final class Oracle: Sendable {
    /// A direction in one of the inputs.
    package enum Direction: Sendable {
        case element(Int)
        /// All elements at once, each up or down at random, so that every element of a large gradient is checked.
        case everywhere(seed: UInt64)

        /// The step of each element.
        package func signs(count: Int) -> [Double] {
            switch self {
            case .element(let i):
                return (0..<count).map { $0 == i ? 1 : 0 }
            case .everywhere(let seed):
                var random = Philox(seed)
                return (0..<count).map { _ in random.next() & 1 == 0 ? -1 : 1 }
            }
        }

        /// The derivative in this direction by a gradient, and its expected magnitude for a random direction.
        package func derivative(_ gradient: [Float]) -> (value: Double, spread: Double) {
            let spread = rootMeanSquare(gradient.map(Double.init))
            switch self {
            case .element(let i): return (Double(gradient[i]), spread)
            case .everywhere:
                let value = zip(gradient, signs(count: gradient.count)).reduce(0.0) { $0 + Double($1.0) * $1.1 }
                return (value, spread * Double(gradient.count).squareRoot())
            }
        }
    }

    package struct Probe: Sendable {
        package let input: Int
        package let direction: Direction
        package let derivative: Double
    }

    private let subject: Sample.Subject
    private let inputs: [Tensor]
    private let lazyOutput = Mutex<[Double]?>(nil)
    private let lazyProbes = Mutex<[Probe]?>(nil)

    init(subject: Sample.Subject, inputs: [Tensor]) {
        self.subject = subject
        self.inputs = inputs
    }

    /// The weights of the outputs in the differentiated sum. For a loss, which has one output, it is the scale.
    package func weighting(count: Int) -> [Float] {
        var random = Philox(key: 5)
        return count == 1 ? [0.375] : (0..<count).map { _ in Float(random.nextNormal()) }
    }

    package var output: [Double] {
        lazyOutput.withLock { known in
            let output = known ?? evaluate(inputs.map(DoubleTensor.init))
            known = output
            return output
        }
    }

    package var probes: [Probe] {
        lazyProbes.withLock { known in
            let probes = known ?? makeProbes()
            known = probes
            return probes
        }
    }

    private func evaluate(_ inputs: [DoubleTensor]) -> [Double] {
        var interpreter = DoubleInterpreter()
        return switch subject {
        case .operation(let operation): operation.reference(inputs, &interpreter).elements
        case .loss(let loss): loss.reference(inputs, &interpreter).elements
        }
    }

    /// Every element of small inputs; for larger ones a random sample, and directions over all elements.
    private func makeProbes() -> [Probe] {
        #if DEBUG
            let (every, sampled) = (16, 4)
        #else
            let (every, sampled) = (150, inputs.contains { $0.count > 100_000 } ? 3 : 12)
        #endif
        var random = Philox(23)
        return inputs.indices.flatMap { i -> [Probe] in
            let count = inputs[i].count
            let elements =
                count <= every
                ? Array(0..<count) : (0..<sampled).map { _ in Int.random(in: 0..<count, using: &random) }
            let directions = elements.map(Direction.element) + [.everywhere(seed: 1), .everywhere(seed: 2)]
            return directions.map { Probe(input: i, direction: $0, derivative: derivative($0, ofInput: i)) }
        }
    }

    private func derivative(_ direction: Direction, ofInput i: Int) -> Double {
        let step = 1e-5
        let signs = direction.signs(count: inputs[i].count)
        func weightedSum(_ distance: Double) -> Double {
            var moved = inputs.map(DoubleTensor.init)
            moved[i].elements = zip(moved[i].elements, signs).map { $0 + distance * $1 }
            let output = evaluate(moved)
            return zip(output, weighting(count: output.count)).reduce(0.0) { $0 + $1.0 * Double($1.1) }
        }
        return (weightedSum(step) - weightedSum(-step)) / (2 * step)
    }
}

package func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(max(1, values.count))).squareRoot()
}

/// The largest difference, relative to the expected element plus the root mean square of all; infinite for NaN.
package func largestError(_ actual: [Double], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    let typical = rootMeanSquare(expected)
    return zip(actual, expected).reduce(0.0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        if difference == 0 { return worst }
        let error = difference / (abs(pair.1) + typical)
        return error.isNaN ? .infinity : max(worst, error)
    }
}
