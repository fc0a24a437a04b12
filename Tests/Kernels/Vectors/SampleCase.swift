import Tensors
import TestSupport

extension VectorCase {
    /// A sample of the catalogue: its op, its inputs and the results of its oracle.
    init(of sample: Sample) {
        var description = OpDescription(sample)
        description.vector.add("tolerance", sample.tolerance)
        description.vector.add("rounded_tolerance", sample.roundedTolerance)
        for (i, input) in sample.inputs.enumerated() {
            description.vector.add("input\(i)", input.values)
            description.vector.add("shape\(i)", input.shape.dimensions)
        }
        let output = sample.oracle.output, probes = sample.oracle.probes
        description.vector.add("output", output)
        description.vector.add("weighting", sample.oracle.weighting(count: output.count))
        description.vector.add("probe_inputs", probes.map(\.input))
        description.vector.add("probe_derivatives", probes.map(\.derivative))
        // The element, or -1 for a direction in all of them.
        var elements: [Int] = []
        for (i, probe) in probes.enumerated() {
            switch probe.direction {
            case .element(let element): elements.append(element)
            case .everywhere:
                elements.append(-1)
                let signs = probe.direction.signs(count: sample.inputs[probe.input].count)
                description.vector.add("signs\(i)", .bytes(signs.map { Int8($0) }))
            }
        }
        description.vector.add("probe_elements", elements)
        self = description.vector
    }
}
