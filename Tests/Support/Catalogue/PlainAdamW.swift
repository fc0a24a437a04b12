import Platform
import Tensors

/// AdamW as its paper writes it, in double.
package struct PlainAdamW {
    package private(set) var parameters: [Double]
    package private(set) var moment1: [Double]
    package private(set) var moment2: [Double]

    package init(_ parameters: [Float]) {
        self.parameters = parameters.map(Double.init)
        moment1 = Array(repeating: 0, count: parameters.count)
        moment2 = moment1
    }

    package mutating func apply(_ s: AdamWUpdate, _ gradients: [Float]) {
        let t = Double(s.step)
        for i in parameters.indices {
            let g = Double(gradients[i]) * s.gradientScale
            moment1[i] = s.beta1 * moment1[i] + (1 - s.beta1) * g
            moment2[i] = s.beta2 * moment2[i] + (1 - s.beta2) * g * g
            let m = moment1[i] / (1 - pow(s.beta1, t)), v = moment2[i] / (1 - pow(s.beta2, t))
            parameters[i] -= s.learningRate * (m / (v.squareRoot() + s.epsilon) + s.weightDecay * parameters[i])
        }
    }
}
