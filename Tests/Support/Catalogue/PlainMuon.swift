import Tensors

/// Muon as its paper writes it, in double: with D = (X X')^(-1/2) X replaced by three polynomials of the singular values.
package struct PlainMuon {
    package private(set) var parameters: DoubleTensor
    package private(set) var mean: [Double]

    package init(_ parameters: Tensor) {
        self.parameters = DoubleTensor(parameters)
        mean = Array(repeating: 0, count: parameters.count)
    }

    package mutating func apply(_ s: MuonUpdate, _ gradients: [Float]) {
        var direction = parameters
        for i in mean.indices {
            let g = Double(gradients[i]) * s.gradientScale
            mean[i] = s.momentum * mean[i] + (1 - s.momentum) * g
            direction.elements[i] = s.momentum * mean[i] + (1 - s.momentum) * g
        }
        direction = Self.orthogonalized(direction)
        let length = 0.2 * Double(max(parameters.shape[0], parameters.shape[1])).squareRoot()
        for i in mean.indices {
            parameters.elements[i] -=
                s.learningRate * (length * direction.elements[i] + s.weightDecay * parameters.elements[i])
        }
    }

    /// a X + b (X X') X + c (X X')^2 X, three times.
    package static func orthogonalized(_ matrix: DoubleTensor) -> DoubleTensor {
        let builder = DoubleInterpreter()
        let rows = matrix.shape[0], columns = matrix.shape[1]
        func transposed(_ x: DoubleTensor) -> DoubleTensor {
            var elements: [Double] = []
            for column in 0..<columns { for row in 0..<rows { elements.append(x.elements[row * columns + column]) } }
            return DoubleTensor(shape: [columns, rows], elements: elements)
        }
        let norm = matrix.elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var x = DoubleTensor(shape: matrix.shape, elements: matrix.elements.map { $0 / norm })
        for (a, b, c) in [(8.0934, -23.6204, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526)] {
            let gram = builder.matmul(x, transposed(x))
            let first = builder.matmul(gram, x), second = builder.matmul(gram, first)
            x.elements = x.elements.indices.map {
                a * x.elements[$0] + b * first.elements[$0] + c * second.elements[$0]
            }
        }
        return x
    }
}
