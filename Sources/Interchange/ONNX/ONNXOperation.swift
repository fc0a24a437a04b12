import Platform
import Tensors

/// The computation of one node (https://onnx.ai/onnx/operators).
struct ONNXOperation {
    typealias Array = ONNXInterpreter.Array
    typealias Failure = ONNXInterpreter.Failure

    let node: ONNXNode
    let inputs: [Array]

    init(_ node: ONNXNode, _ inputs: [Array]) {
        self.node = node
        self.inputs = inputs
    }

    /// The outputs of the node.
    func run() throws -> [Array] {
        switch node.operation {
        case "Add":
            if case .integers = try input(0) { return [try integerSum()] }
            return [try broadcast(+)]
        case "Sub": return [try broadcast(-)]
        case "Mul": return [try broadcast(*)]
        case "Div": return [try broadcast(/)]
        case "Max": return [try broadcast { $0 > $1 ? $0 : $1 }]
        case "Exp": return [try map(exp)]
        case "Log": return [try map(log)]
        case "Tanh": return [try map(tanh)]
        case "Erf": return [try map(erf)]
        case "Sqrt": return [try map { $0.squareRoot() }]
        case "Sin": return [try map(sin)]
        case "Cos": return [try map(cos)]
        case "Cast": return [try cast()]
        case "MatMul": return [try product(floats(0), input(1))]
        case "ReduceSum":
            guard try integers(1) == [-1] else { throw Failure("sums are supported over the last dimension only") }
            return [try reduceRows { $0.reduce(0, +) }]
        case "ReduceMax":
            guard node.attributes["axes"] == .integers([-1]) else {
                throw Failure("maxima are supported over the last dimension only")
            }
            return [try reduceRows { $0.max() ?? -.infinity }]
        case "Softmax": return [try softmax()]
        case "LayerNormalization": return [try layerNormalization()]
        case "Gather": return [try gather()]
        case "GreaterOrEqual": return [try greaterOrEqual()]
        case "Where": return [try choose()]
        case "Range": return [try range()]
        case "Shape":
            let shape = try input(0).shape
            return [.integers(shape, shape: [shape.count])]
        case "Reshape": return [try reshape()]
        case "Unsqueeze": return [try unsqueeze()]
        case "Transpose": return [try transpose()]
        case "Split": return try split()
        case "Concat": return [try concatenate()]
        default: throw Failure("this operator is not supported")
        }
    }

    // MARK: Inputs and attributes

    func input(_ i: Int) throws -> Array {
        guard inputs.indices.contains(i) else { throw Failure("its input \(i) is missing") }
        return inputs[i]
    }

    func floats(_ i: Int) throws -> Tensor {
        switch try input(i) {
        case .floats(let tensor): return tensor
        case .transposed(let tensor): return transposed(tensor, [1, 0])
        default: throw Failure("its input \(i) does not contain floats")
        }
    }

    func integers(_ i: Int) throws -> [Int] {
        guard case .integers(let numbers, _) = try input(i) else {
            throw Failure("its input \(i) does not contain integers")
        }
        return numbers
    }

    func integer(_ name: String, _ otherwise: Int) -> Int {
        if case .integer(let number)? = node.attributes[name] { number } else { otherwise }
    }

    /// The axis with this number; negative ones count from the end.
    func axis(_ number: Int, rank: Int) throws -> Int {
        let axis = number < 0 ? number + rank : number
        guard axis >= 0, axis < rank else { throw Failure("there is no dimension \(number)") }
        return axis
    }

    // MARK: Element by element

    private func map(_ function: (Float) -> Float) throws -> Array {
        let x = try floats(0), y = Tensor(uninitialized: x.shape)
        x.withElements { x in y.withElements { y in for i in x.indices { y[i] = function(x[i]) } } }
        return .floats(y)
    }

    @inline(__always)
    private func broadcast(_ function: (Float, Float) -> Float) throws -> Array {
        let (a, b) = (try floats(0), try floats(1))
        let shape = try broadcastShape(a.shape.dimensions, b.shape.dimensions)
        let y = Tensor(uninitialized: Shape(shape))
        a.withElements { a1 in
            b.withElements { b1 in
                y.withElements { y in
                    // If one operand is repeated as a whole, such as a bias or a scalar, no index is computed.
                    if a.count == y.count, isSuffix(b.shape, of: shape) {
                        for start in stride(from: 0, to: y.count, by: max(1, b1.count)) {
                            for i in b1.indices { y[start + i] = function(a1[start + i], b1[i]) }
                        }
                    } else if b.count == y.count, isSuffix(a.shape, of: shape) {
                        for start in stride(from: 0, to: y.count, by: max(1, a1.count)) {
                            for i in a1.indices { y[start + i] = function(a1[i], b1[start + i]) }
                        }
                    } else {
                        let (left, right) = (Offsets(a.shape.dimensions, shape), Offsets(b.shape.dimensions, shape))
                        forEachIndex(of: shape) { y[$0] = function(a1[left[$1]], b1[right[$1]]) }
                    }
                }
            }
        }
        return .floats(y)
    }

    private func integerSum() throws -> Array {
        guard try input(0).shape.isEmpty, try input(1).shape.isEmpty else {
            throw Failure("addition of integers is supported for scalars only")
        }
        let (sum, overflow) = try integers(0)[0].addingReportingOverflow(integers(1)[0])
        if overflow { throw Failure("a sum of integers is too large") }
        return .integers([sum], shape: [])
    }

    private func cast() throws -> Array {
        guard integer("to", 0) == ONNXType.float32.rawValue else { throw Failure("casts are supported to floats only") }
        switch try input(0) {
        case .integers(let numbers, let shape): return .floats(Tensor(Shape(shape), numbers.map { Float($0) }))
        case .booleans: throw Failure("casts of booleans are not supported")
        case .floats, .transposed: return try input(0)
        }
    }

    private func greaterOrEqual() throws -> Array {
        let (a, b) = (try integers(0), try integers(1))
        let shape = try broadcastShape(input(0).shape, input(1).shape)
        let (left, right) = (try Offsets(input(0).shape, shape), try Offsets(input(1).shape, shape))
        var result: [Bool] = []
        forEachIndex(of: shape) { result.append(a[left[$1]] >= b[right[$1]]) }
        return .booleans(result, shape: shape)
    }

    private func choose() throws -> Array {
        guard case .booleans(let mask, let maskShape) = try input(0) else {
            throw Failure("its mask does not contain booleans")
        }
        let (a, b) = (try floats(1), try floats(2))
        let shape = try broadcastShape(broadcastShape(maskShape, a.shape.dimensions), b.shape.dimensions)
        let y = Tensor(uninitialized: Shape(shape)), condition = Offsets(maskShape, shape)
        let (left, right) = (Offsets(a.shape.dimensions, shape), Offsets(b.shape.dimensions, shape))
        a.withElements { a in
            b.withElements { b in
                y.withElements { y in
                    forEachIndex(of: shape) { y[$0] = mask[condition[$1]] ? a[left[$1]] : b[right[$1]] }
                }
            }
        }
        return .floats(y)
    }

    // MARK: Rows and matrices

    func rows(_ x: Tensor) throws -> Int {
        guard x.shape.rank > 0, x.shape.columns > 0 else { throw Failure("its rows are empty") }
        return x.shape.columns
    }

    private func reduceRows(_ function: (UnsafeBufferPointer<Float>) -> Float) throws -> Array {
        guard integer("keepdims", 1) == 1 else { throw Failure("keepdims = 0 is not supported") }
        let x = try floats(0), columns = try rows(x)
        let y = Tensor(uninitialized: x.shape.replacingColumns(by: 1))
        x.withElements { x in
            y.withElements { y in
                for row in y.indices {
                    y[row] = function(UnsafeBufferPointer(rebasing: x[row * columns..<(row + 1) * columns]))
                }
            }
        }
        return .floats(y)
    }

    private func softmax() throws -> Array {
        let y = try floats(0).copy(), columns = try rows(y)
        guard try axis(integer("axis", -1), rank: y.shape.rank) == y.shape.rank - 1 else {
            throw Failure("softmax is supported over the last dimension only")
        }
        y.withElements { y in
            for start in stride(from: 0, to: y.count, by: columns) {
                let row = start..<start + columns
                let largest = y[row].max() ?? 0
                var sum: Float = 0
                for i in row {
                    y[i] = exp(y[i] - largest)
                    sum += y[i]
                }
                for i in row { y[i] /= sum }
            }
        }
        return .floats(y)
    }

    private func layerNormalization() throws -> Array {
        let x = try floats(0), gamma = try floats(1), beta = try floats(2), columns = try rows(x)
        guard gamma.shape == [columns], beta.shape == [columns] else {
            throw Failure("its scale and bias do not have the length of a row")
        }
        guard try axis(integer("axis", -1), rank: x.shape.rank) == x.shape.rank - 1 else {
            throw Failure("normalization is supported over the last dimension only")
        }
        var epsilon: Float = 1e-5
        if case .float(let number)? = node.attributes["epsilon"] { epsilon = number }
        return .floats(LayerNorm(epsilon: epsilon).forward([x, gamma, beta], recording: false).output)
    }

    private func product(_ a: Tensor, _ b: Array) throws -> Array {
        guard a.shape.rank >= 2, b.shape.count >= 2, b.shape[b.shape.count - 2] == a.shape.columns,
            a.count > 0, !b.shape.contains(0)
        else { throw Failure("\(a.shape) and \(Shape(b.shape)) cannot be multiplied") }
        let n = b.shape[b.shape.count - 1], m = a.shape[-2], k = a.shape.columns
        if b.shape.count == 2 {
            let y = Tensor(uninitialized: a.shape.replacingColumns(by: n))
            let matrix: Matrix =
                switch b {
                case .transposed(let tensor): Matrix(tensor).transposed
                case .floats(let tensor): Matrix(tensor)
                default: throw Failure("its matrix does not contain floats")
                }
            MatrixProduct.multiply(Matrix(a), matrix, into: Matrix(y))
            return .floats(y)
        }
        let b = try floats(1)
        let batchA = Swift.Array(a.shape.dimensions.dropLast(2)), batchB = Swift.Array(b.shape.dimensions.dropLast(2))
        let batch = try broadcastShape(batchA, batchB)
        let y = Tensor(uninitialized: Shape(batch + [m, n]))
        let (left, right) = (Offsets(batchA, batch), Offsets(batchB, batch))
        forEachIndex(of: batch) {
            let (first, second) = (left[$1], right[$1])
            MatrixProduct.multiply(
                Matrix(a, rows: first * m..<(first + 1) * m), Matrix(b, rows: second * k..<(second + 1) * k),
                into: Matrix(y, rows: $0 * m..<($0 + 1) * m))
        }
        return .floats(y)
    }

    private func gather() throws -> Array {
        let rows = try integers(1)
        if integer("axis", 0) == 1 { return try gatherPosition() }
        guard integer("axis", 0) == 0, let count = try input(0).shape.first, count > 0 else {
            throw Failure("lookups are supported along the first dimension only")
        }
        guard rows.allSatisfy({ $0 >= 0 && $0 < count }) else {
            throw Failure(
                "a row index is not below \(count): an invalid token id, or a sequence longer than the context")
        }
        let shape = try input(1).shape + input(0).shape.dropFirst()
        guard shape.count <= ONNXReader.greatestRank else { throw Failure("too many dimensions") }
        if case .integers(let numbers, _) = try input(0) {
            guard shape == (try input(1).shape) else { throw Failure("integer tables must be vectors") }
            return .integers(rows.map { numbers[$0] }, shape: shape)
        }
        let table = try floats(0), columns = table.count / count
        let y = Tensor(uninitialized: Shape(shape))
        table.withElements { table in
            y.withElements { y in
                for (i, row) in rows.enumerated() {
                    for j in 0..<columns { y[i * columns + j] = table[row * columns + j] }
                }
            }
        }
        return .floats(y)
    }

    /// A position of each sequence: (B, T, C) to (B, C).
    private func gatherPosition() throws -> Array {
        let x = try floats(0)
        guard x.shape.rank == 3, try input(1).shape.isEmpty, case let position = try integers(1)[0],
            position >= 0, position < x.shape[1]
        else { throw Failure("lookups along the second dimension are supported for one position only") }
        let (B, T, C) = x.shape.three, y = Tensor(uninitialized: [B, C])
        x.withElements { x in
            y.withElements { y in
                for b in 0..<B { for i in 0..<C { y[b * C + i] = x[(b * T + position) * C + i] } }
            }
        }
        return .floats(y)
    }

    private func range() throws -> Array {
        let limits = try (0..<3).map { i in
            guard let number = try integers(i).first else { throw Failure("its input \(i) is empty") }
            return number
        }
        let (start, end, step) = (limits[0], limits[1], limits[2])
        let limit = 0...1 << 20
        guard step == 1, limit.contains(start), limit.contains(end) else {
            throw Failure("its range has too many numbers")
        }
        return .integers(Swift.Array(start..<max(start, end)), shape: [max(0, end - start)])
    }

    // MARK: Shapes

    func elementCount(_ shape: [Int]) throws -> Int {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            if overflow || length < 0 || product > 1 << 26 { throw Failure("the shape \(shape) is impossible") }
            count = product
        }
        return count
    }

    private func broadcastShape(_ a: [Int], _ b: [Int]) throws -> [Int] {
        let rank = max(a.count, b.count)
        let a = Swift.Array(repeating: 1, count: rank - a.count) + a
        let b = Swift.Array(repeating: 1, count: rank - b.count) + b
        let shape = try zip(a, b).map { x, y in
            guard x == y || x == 1 || y == 1 else {
                throw Failure("the shapes \(Shape(a)) and \(Shape(b)) cannot be broadcast")
            }
            return x == 1 ? y : x
        }
        _ = try elementCount(shape)
        return shape
    }

    private func isSuffix(_ shape: Shape, of whole: [Int]) -> Bool {
        let shape = shape.dimensions.drop { $0 == 1 }
        return whole.suffix(shape.count).elementsEqual(shape)
    }

    /// Calls `body` with the number and the index of each element of a shape.
    @inline(__always)
    func forEachIndex(of shape: [Int], _ body: (_ number: Int, _ index: [Int]) -> Void) {
        var index = [Int](repeating: 0, count: shape.count)
        for number in 0..<shape.reduce(1, *) {
            body(number, index)
            for axis in shape.indices.reversed() {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
            }
        }
    }
}

/// The offsets of the elements of an array by the index in a shape that it is broadcast to.
private struct Offsets {
    private let steps: [Int]

    init(_ shape: [Int], _ broadcast: [Int]) {
        var steps: [Int] = [], step = 1
        for length in shape.reversed() {
            steps.append(length == 1 ? 0 : step)
            step *= length
        }
        self.steps = Swift.Array(repeating: 0, count: broadcast.count - shape.count) + steps.reversed()
    }

    subscript(_ index: [Int]) -> Int {
        var offset = 0
        for axis in index.indices { offset += index[axis] * steps[axis] }
        return offset
    }
}
