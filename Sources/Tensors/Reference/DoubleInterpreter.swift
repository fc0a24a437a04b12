import Platform

/// An array of doubles with a shape: the value of a reference computation.
package struct DoubleTensor: Sendable {
    package var shape: [Int]
    package var elements: [Double]

    package init(shape: [Int], elements: [Double]) {
        precondition(elements.count == shape.reduce(1, *), "\(elements.count) elements cannot fill \(shape)")
        self.shape = shape
        self.elements = elements
    }

    package init(_ tensor: Tensor) {
        self.init(shape: tensor.shape.dimensions, elements: tensor.values.map(Double.init))
    }
}

/// Computes references in double precision: the oracle for kernels and, by finite differences, for gradients. It is
/// written to be simple, not fast.
package struct DoubleInterpreter: PrimitiveBuilder {
    package init() {}

    package func shape(of value: DoubleTensor) -> [Dimension] { value.shape.map { .number($0) } }

    package func tokens(_ batch: TokenBatch, _ content: TokenContent) -> DoubleTensor {
        DoubleTensor(shape: batch.dimensions, elements: batch.ids.map(Double.init))
    }

    package func positions(_ count: Dimension, after past: Int) -> DoubleTensor {
        DoubleTensor(shape: [count.number], elements: (past..<past + count.number).map(Double.init))
    }

    package func constant(_ values: [Double], shape: [Int]) -> DoubleTensor {
        DoubleTensor(shape: shape, elements: values)
    }

    package func add(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor { broadcast(a, b, +) }
    package func subtract(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor { broadcast(a, b, -) }
    package func multiply(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor { broadcast(a, b, *) }
    package func divide(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor { broadcast(a, b, /) }
    package func maximum(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor { broadcast(a, b, max) }
    package func exp(_ x: DoubleTensor) -> DoubleTensor { map(x, systemExp) }
    package func log(_ x: DoubleTensor) -> DoubleTensor { map(x, systemLog) }
    package func tanh(_ x: DoubleTensor) -> DoubleTensor { map(x, systemTanh) }
    package func erf(_ x: DoubleTensor) -> DoubleTensor { map(x, systemErf) }
    package func squareRoot(_ x: DoubleTensor) -> DoubleTensor { map(x) { $0.squareRoot() } }
    package func sine(_ x: DoubleTensor) -> DoubleTensor { map(x, systemSine) }
    package func cosine(_ x: DoubleTensor) -> DoubleTensor { map(x, systemCosine) }

    package func matmul(_ a: DoubleTensor, _ b: DoubleTensor) -> DoubleTensor {
        let (m, k) = (a.shape[a.shape.count - 2], a.shape[a.shape.count - 1])
        let n = b.shape[b.shape.count - 1]
        precondition(b.shape[b.shape.count - 2] == k, "cannot multiply \(a.shape) by \(b.shape)")
        let batch = broadcastShape(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
        var result: [Double] = []
        forEachIndex(of: batch) { index in
            let startA = offset(index, in: Array(a.shape.dropLast(2))) * m * k
            let startB = offset(index, in: Array(b.shape.dropLast(2))) * k * n
            for i in 0..<m {
                var row = [Double](repeating: 0, count: n)
                for p in 0..<k {
                    let x = a.elements[startA + i * k + p]
                    for j in 0..<n { row[j] += x * b.elements[startB + p * n + j] }
                }
                result += row
            }
        }
        return DoubleTensor(shape: batch + [m, n], elements: result)
    }

    package func transpose(_ x: DoubleTensor, _ axes: [Int]) -> DoubleTensor {
        let shape = axes.map { x.shape[$0] }
        var result: [Double] = []
        forEachIndex(of: shape) { index in
            var source = [Int](repeating: 0, count: index.count)
            for (position, axis) in axes.enumerated() { source[axis] = index[position] }
            result.append(x.elements[offset(source, in: x.shape)])
        }
        return DoubleTensor(shape: shape, elements: result)
    }

    package func reshape(_ x: DoubleTensor, keeping kept: Int, _ rest: [Int]) -> DoubleTensor {
        DoubleTensor(shape: x.shape[..<kept] + rest, elements: x.elements)
    }

    package func insertDimension(_ x: DoubleTensor, at axis: Int) -> DoubleTensor {
        DoubleTensor(shape: x.shape[..<axis] + [1] + x.shape[axis...], elements: x.elements)
    }

    package func sumAlongLastAxis(_ x: DoubleTensor) -> DoubleTensor { reduce(x, 0, +) }
    package func maximumAlongLastAxis(_ x: DoubleTensor) -> DoubleTensor { reduce(x, -.infinity, max) }

    package func causalMask(_ scores: DoubleTensor) -> DoubleTensor {
        let (T, S) = (scores.shape[scores.shape.count - 2], scores.shape[scores.shape.count - 1])
        let elements = scores.elements.enumerated().map { (i: Int, score: Double) -> Double in
            let (query, key) = (i / S % T, i % S)
            return key > S - T + query ? -1e30 : score
        }
        return DoubleTensor(shape: scores.shape, elements: elements)
    }

    package func split(_ x: DoubleTensor, _ lengths: [Int]) -> [DoubleTensor] {
        let width = x.shape[x.shape.count - 1], outer = Array(x.shape.dropLast())
        precondition(lengths.reduce(0, +) == width, "cannot split \(x.shape) into \(lengths)")
        var start = 0
        return lengths.map { length -> DoubleTensor in
            let starts = stride(from: start, to: x.elements.count, by: width)
            start += length
            return DoubleTensor(shape: outer + [length], elements: starts.flatMap { x.elements[$0..<$0 + length] })
        }
    }

    package func join(_ parts: [DoubleTensor]) -> DoubleTensor {
        let widths = parts.map { $0.shape[$0.shape.count - 1] }, outer = Array(parts[0].shape.dropLast())
        var elements: [Double] = []
        for row in 0..<outer.reduce(1, *) {
            for (part, width) in zip(parts, widths) { elements += part.elements[row * width..<(row + 1) * width] }
        }
        return DoubleTensor(shape: outer + [widths.reduce(0, +)], elements: elements)
    }

    package func gather(_ table: DoubleTensor, rows: DoubleTensor) -> DoubleTensor {
        let columns = table.shape[1]
        return DoubleTensor(
            shape: rows.shape + [columns],
            elements: rows.elements.flatMap { table.elements[Int($0) * columns..<(Int($0) + 1) * columns] })
    }

    // MARK: -

    private func map(_ x: DoubleTensor, _ function: (Double) -> Double) -> DoubleTensor {
        DoubleTensor(shape: x.shape, elements: x.elements.map(function))
    }

    private func reduce(_ x: DoubleTensor, _ start: Double, _ combine: (Double, Double) -> Double) -> DoubleTensor {
        let length = x.shape[x.shape.count - 1]
        let rows = stride(from: 0, to: x.elements.count, by: length)
        return DoubleTensor(
            shape: x.shape.dropLast() + [1], elements: rows.map { x.elements[$0..<$0 + length].reduce(start, combine) })
    }

    private func broadcast(
        _ a: DoubleTensor, _ b: DoubleTensor, _ function: (Double, Double) -> Double
    ) -> DoubleTensor {
        if a.shape == b.shape {
            return DoubleTensor(shape: a.shape, elements: zip(a.elements, b.elements).map(function))
        }
        let shape = broadcastShape(a.shape, b.shape)
        var result: [Double] = []
        result.reserveCapacity(shape.reduce(1, *))
        forEachIndex(of: shape) { index in
            result.append(function(a.elements[offset(index, in: a.shape)], b.elements[offset(index, in: b.shape)]))
        }
        return DoubleTensor(shape: shape, elements: result)
    }

    private func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int] {
        let rank = max(a.count, b.count)
        let a = Array(repeating: 1, count: rank - a.count) + a, b = Array(repeating: 1, count: rank - b.count) + b
        return zip(a, b).map { x, y in
            precondition(x == y || x == 1 || y == 1, "shapes \(a) and \(b) do not broadcast")
            return max(x, y)
        }
    }

    /// The offset of an element in an array of the given shape, from its index in the broadcast shape.
    private func offset(_ index: [Int], in shape: [Int]) -> Int {
        zip(index.suffix(shape.count), shape).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
    }

    private func forEachIndex(of shape: [Int], _ body: ([Int]) -> Void) {
        var index = [Int](repeating: 0, count: shape.count)
        for _ in 0..<shape.reduce(1, *) {
            body(index)
            for axis in shape.indices.reversed() {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
            }
        }
    }
}

// The system's functions under names that the methods above do not hide.
private func systemExp(_ x: Double) -> Double { exp(x) }
private func systemLog(_ x: Double) -> Double { log(x) }
private func systemTanh(_ x: Double) -> Double { tanh(x) }
private func systemErf(_ x: Double) -> Double { erf(x) }
private func systemSine(_ x: Double) -> Double { sin(x) }
private func systemCosine(_ x: Double) -> Double { cos(x) }
