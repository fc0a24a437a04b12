import Tensors

/// Converts a tensor between its form in memory and its form in a file, some rows at a time, on all threads.
struct WeightConverter: Sendable {
    let tensor: Tensor
    let layout: WeightLayout
    /// The shape of the matrix in the file.
    let rows: Int
    let columns: Int

    /// The number of rows converted together: that of floats in a cache line, so that a transposition uses lines completely.
    private static let group = 16
    /// The approximate size of the buffers that are written, in bytes.
    private static let bufferSize = 1 << 23

    init(_ tensor: Tensor, _ layout: WeightLayout) {
        let shape = Shape(layout.shape(of: tensor.shape.dimensions))
        self.tensor = tensor
        self.layout = layout
        // A vector, such as a bias, is permuted like the rows that it belongs to.
        let isVector = shape.rank == 1 && layout != .same
        rows = isVector ? shape.columns : shape.rows
        columns = isVector ? 1 : shape.columns
    }

    /// Calls `write` with the bytes of the tensor in the file, in buffers of any size.
    func encode(as encoding: NumberEncoding, _ write: ByteWriter) throws {
        if encoding == .float32, layout == .same {
            return try tensor.withElements { try write(UnsafeRawBufferPointer($0)) }
        }
        let rowSize = encoding.size(of: columns), group = Self.group
        let most = min(rows, max(group, Self.bufferSize / rowSize / group * group))
        let buffer = Tensor(uninitialized: [(most * rowSize + 3) / 4])
        for first in stride(from: 0, to: rows, by: most) {
            let count = min(most, rows - first)
            Execution.current.forEach(below: (count + group - 1) / group) { number in
                let part = first + number * group..<first + min(count, (number + 1) * group)
                withFloats(part.count * columns) { floats in
                    gather(part, into: floats)
                    buffer.withElements { buffer in
                        let start = (part.lowerBound - first) * rowSize
                        encoding.encode(
                            UnsafeBufferPointer(floats),
                            into: UnsafeMutableRawBufferPointer(
                                rebasing: UnsafeMutableRawBufferPointer(buffer)[start..<start + part.count * rowSize]))
                    }
                }
            }
            try buffer.withElements {
                try write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0)[..<(count * rowSize)]))
            }
        }
    }

    /// The rows in parts of about `bytes` bytes each, for `decode`.
    func parts(of encoding: NumberEncoding, bytes: Int) -> [Range<Int>] {
        let most = max(Self.group, bytes / max(1, encoding.size(of: columns)) / Self.group * Self.group)
        return stride(from: 0, to: rows, by: most).map { $0..<min(rows, $0 + most) }
    }

    /// Converts some rows of the tensor, whose bytes in the file are `bytes`. Several threads may convert different parts.
    func decode(_ bytes: UnsafeRawBufferPointer, of encoding: NumberEncoding, rows part: Range<Int>) {
        let rowSize = encoding.size(of: columns)
        func source(_ rows: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * rowSize..<rows.upperBound * rowSize])
        }
        if layout == .same {
            return tensor.withElements {
                let target = $0[part.lowerBound * columns..<part.upperBound * columns]
                encoding.decode(source(part), into: UnsafeMutableBufferPointer(rebasing: target))
            }
        }
        withFloats(Self.group * columns) { floats in
            for first in stride(from: part.lowerBound, to: part.upperBound, by: Self.group) {
                let group = first..<min(part.upperBound, first + Self.group)
                let floats = UnsafeMutableBufferPointer(rebasing: floats[..<(group.count * columns)])
                encoding.decode(source(group), into: floats)
                scatter(UnsafeBufferPointer(floats), to: group)
            }
        }
    }

    /// Copies rows of the file from the tensor.
    private func gather(_ part: Range<Int>, into floats: UnsafeMutableBufferPointer<Float>) {
        tensor.withElements { elements in
            if layout == .transposed {
                for column in 0..<columns {
                    for row in part {
                        floats[(row - part.lowerBound) * columns + column] = elements[column * rows + row]
                    }
                }
            } else {
                for row in part {
                    let from = layout.source(of: row, rows: rows) * columns, to = (row - part.lowerBound) * columns
                    _ = floats[to..<to + columns].update(fromContentsOf: elements[from..<from + columns])
                }
            }
        }
    }

    /// Copies rows of the file into the tensor.
    private func scatter(_ floats: UnsafeBufferPointer<Float>, to part: Range<Int>) {
        tensor.withElements { elements in
            if layout == .transposed {
                guard let source = floats.baseAddress, let target = elements.baseAddress else { return }
                let (first, count) = (part.lowerBound, part.count)
                for column in 0..<columns {
                    let line = target + column * rows + first
                    for i in 0..<count { line[i] = source[i * columns + column] }
                }
            } else {
                for row in part {
                    let to = layout.source(of: row, rows: rows) * columns, from = (row - part.lowerBound) * columns
                    _ = elements[to..<to + columns].update(fromContentsOf: floats[from..<from + columns])
                }
            }
        }
    }
}

/// Calls `body` with temporary memory for floats.
private func withFloats(_ count: Int, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { floats.deallocate() }
    body(floats)
}
