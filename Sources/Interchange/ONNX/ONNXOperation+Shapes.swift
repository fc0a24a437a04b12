import Tensors

/// Operators that only change shapes.
extension ONNXOperation {
    func reshape() throws -> Array {
        let x = try floats(0), old = x.shape.dimensions
        guard try integers(1).count <= ONNXReader.greatestRank else { throw Failure("too many dimensions") }
        let shape = try integers(1).enumerated().map { i, length in
            guard length != 0 || i < old.count else { throw Failure("there is no dimension \(i)") }
            return length == 0 ? old[i] : length
        }
        guard try elementCount(shape) == x.count else {
            throw Failure("\(x.shape) cannot be reshaped to \(Shape(shape))")
        }
        return .floats(x.reshaped(Shape(shape)))
    }

    func unsqueeze() throws -> Array {
        var shape = try input(0).shape
        guard shape.count < ONNXReader.greatestRank else { throw Failure("too many dimensions") }
        guard let number = try integers(1).first, try integers(1).count == 1 else {
            throw Failure("several axes are not supported")
        }
        shape.insert(1, at: try axis(number, rank: shape.count + 1))
        switch try input(0) {
        case .integers(let numbers, _): return .integers(numbers, shape: shape)
        case .booleans(let values, _): return .booleans(values, shape: shape)
        case .floats, .transposed: return .floats(try floats(0).reshaped(Shape(shape)))
        }
    }

    func transpose() throws -> Array {
        let x = try floats(0)
        guard case .integers(let axes)? = node.attributes["perm"], axes.sorted() == Swift.Array(0..<x.shape.rank) else {
            throw Failure("its permutation does not contain every dimension once")
        }
        return axes == [1, 0] ? .transposed(x) : .floats(transposed(x, axes))
    }

    func transposed(_ x: Tensor, _ axes: [Int]) -> Tensor {
        let old = x.shape.dimensions, y = Tensor(uninitialized: Shape(axes.map { old[$0] }))
        let strides = old.indices.map { old[($0 + 1)...].reduce(1, *) }
        let steps = axes.map { strides[$0] }
        x.withElements { x in
            y.withElements { y in
                forEachIndex(of: axes.map { old[$0] }) { i, index in
                    var offset = 0
                    for axis in index.indices { offset += index[axis] * steps[axis] }
                    y[i] = x[offset]
                }
            }
        }
        return y
    }

    func split() throws -> [Array] {
        let x = try floats(0), lengths = try integers(1), columns = try rows(x)
        guard try axis(integer("axis", 0), rank: x.shape.rank) == x.shape.rank - 1,
            lengths.allSatisfy({ $0 > 0 && $0 <= columns }), lengths.reduce(0, +) == columns
        else { throw Failure("\(x.shape) cannot be split into these parts") }
        var start = 0
        return lengths.map { length in
            let y = Tensor(uninitialized: x.shape.replacingColumns(by: length))
            copy(from: x, start, columns, to: y, 0, length, length, blocks: x.shape.rows)
            start += length
            return .floats(y)
        }
    }

    func concatenate() throws -> Array {
        let parts = try inputs.indices.map(floats)
        guard let first = parts.first else { throw Failure("it has no inputs to concatenate") }
        let axis = try axis(integer("axis", 0), rank: first.shape.rank)
        var shape = first.shape.dimensions
        shape[axis] = 0
        for part in parts {
            var rest = part.shape.dimensions
            guard rest.count == shape.count else { throw Failure("its inputs have different shapes") }
            shape[axis] += rest[axis]
            rest[axis] = shape[axis]
            guard rest == shape else { throw Failure("its inputs have different shapes") }
        }
        let y = Tensor(uninitialized: Shape(shape))
        let blocks = shape[..<axis].reduce(1, *), inner = shape[(axis + 1)...].reduce(1, *)
        var start = 0
        for part in parts {
            let length = part.shape[axis] * inner
            copy(from: part, 0, length, to: y, start, shape[axis] * inner, length, blocks: blocks)
            start += length
        }
        return .floats(y)
    }

    /// Copies a part of each of several blocks.
    private func copy(
        from x: Tensor, _ startX: Int, _ stepX: Int, to y: Tensor, _ startY: Int, _ stepY: Int, _ length: Int,
        blocks: Int
    ) {
        x.withElements { x in
            y.withElements { y in
                for block in 0..<blocks {
                    for i in 0..<length { y[startY + block * stepY + i] = x[startX + block * stepX + i] }
                }
            }
        }
    }
}
