import Tensors

/// How a matrix that is stored here as (rows, columns) lies in another program's file.
package enum WeightLayout: Sendable, Equatable {
    /// Row by row as here.
    case same
    /// As its transpose: a layer's weight (inputs, outputs) as (outputs, inputs).
    case transposed
    /// With the rows of each of so many heads in another order: those of the first and of the second half in turn. So lie
    /// the queries and keys of a Llama where rotary positions turn neighbours instead of halves.
    case interleaved(heads: Int)

    /// The shape there of what has the shape `shape` here.
    package func shape(of shape: [Int]) -> [Int] { self == .transposed && shape.count == 2 ? shape.reversed() : shape }

    /// The row here that is row `row` there, of so many; not for `transposed`.
    fileprivate func source(of row: Int, rows: Int) -> Int {
        guard case .interleaved(let heads) = self else { return row }
        let size = rows / heads
        let (head, place) = row.quotientAndRemainder(dividingBy: size)
        return head * size + place % 2 * (size / 2) + place / 2
    }
}

/// A tensor on its way into or out of a file, some rows at a time, by all threads.
struct WeightConverter: Sendable {
    let tensor: Tensor
    let layout: WeightLayout
    /// The shape in the file as a matrix.
    let rows: Int
    let columns: Int

    /// Rows that are handled together: as many numbers as a line of the cache has, so that transposing uses it whole.
    private static let group = 16
    /// About the bytes of a piece.
    private static let pieceSize = 1 << 23

    init(_ tensor: Tensor, _ layout: WeightLayout) {
        let shape = Shape(layout.shape(of: tensor.shape.dimensions))
        self.tensor = tensor
        self.layout = layout
        // What belongs to rows, as a bias does, goes with them.
        let isVector = shape.rank == 1 && layout != .same
        rows = isVector ? shape.columns : shape.rows
        columns = isVector ? 1 : shape.columns
    }

    /// Hands on the tensor as it stands in the file, in pieces.
    func encode(as encoding: NumberEncoding, _ piece: (UnsafeRawBufferPointer) throws -> Void) throws {
        if encoding == .float32, layout == .same {
            return try tensor.withElements { try piece(UnsafeRawBufferPointer($0)) }
        }
        let rowSize = encoding.size(of: columns), group = Self.group
        let most = min(rows, max(group, Self.pieceSize / rowSize / group * group))
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
                try piece(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0)[..<(count * rowSize)]))
            }
        }
    }

    /// The rows in parts of about a piece's bytes each, for `decode`.
    func parts(of encoding: NumberEncoding, bytes: Int) -> [Range<Int>] {
        let most = max(Self.group, bytes / max(1, encoding.size(of: columns)) / Self.group * Self.group)
        return stride(from: 0, to: rows, by: most).map { $0..<min(rows, $0 + most) }
    }

    /// Takes some rows of the tensor, which stands in the file as `bytes`. Parts may be taken at once by several threads.
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

    /// Copies rows as they are in the file.
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

    /// Puts rows of the file where they belong.
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

/// Memory for a moment.
private func withFloats(_ count: Int, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { floats.deallocate() }
    body(floats)
}
