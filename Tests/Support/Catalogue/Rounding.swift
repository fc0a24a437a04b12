/// The nearest bfloat16, to even between two: what a factor is rounded to in that precision.
package func roundedToBFloat16(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
}

/// Rows as what an 8-bit weight is multiplied by: in each block of 32 whole multiples of its largest magnitude / 32767.
package func roundedInBlocks(_ x: [Float], columns: Int) -> [Float] {
    stride(from: 0, to: x.count, by: columns).flatMap { row in
        stride(from: row, to: row + columns, by: 32).flatMap { first in
            let block = x[first..<min(first + 32, row + columns)]
            let scale = (block.map(abs).max() ?? 0) * (1 / 32767)
            return block.map { scale > 0 ? ($0 * (1 / scale)).rounded(.toNearestOrEven) * scale : 0 }
        }
    }
}

/// For each element of a weight (inputs, outputs) the largest error of its 8-bit integer: half a scale, which is the
/// largest magnitude of 32 elements of its column over 127, rounded up to bfloat16.
package func largestIntegerErrors(_ weight: [Float], inputs: Int, outputs: Int) -> [Double] {
    weight.indices.map { i in
        let first = i / outputs / 32 * 32
        let block = (first..<min(first + 32, inputs)).map { abs(weight[$0 * outputs + i % outputs]) }
        return Double((block.max() ?? 0) / 127 * 1.01 / 2)
    }
}
