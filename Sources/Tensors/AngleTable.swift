import Platform
import Synchronization

/// Cosines and sines of positions times frequencies, computed once, in double precision, and rounded to floats.
///
/// Rows are added when a sequence first reaches them, and their number doubles each time. So a model with a context of
/// a hundred thousand tokens needs memory only for the positions in use.
package final class AngleTable: Sendable {
    /// What the row of position t holds of its angles t f.
    package enum Form: Sendable {
        /// All cosines, then all sines: for `Rotary`.
        case rotary
        /// sin, cos, sin, cos, ...: what is added to the embedding (Vaswani et al., 2017).
        case sinusoidal
        /// All sines, then all cosines: the same in Marian.
        case sinesFirst
    }

    package let form: Form
    /// The number of columns.
    package let width: Int
    /// The factor of all cosines and sines.
    private let amplitude: Double
    private let frequencies: [Double]
    private let table: Mutex<Tensor>

    /// - Parameters:
    ///   - form: the order of a row.
    ///   - width: the number of columns: even, or in a table of sinusoids also odd, without the last cosine.
    ///   - frequencies: the (width + 1) / 2 angles at position 1, in radians.
    ///   - amplitude: the factor of all cosines and sines; 1 for rotations.
    package init(_ form: Form, width: Int, frequencies: [Double], amplitude: Double = 1) {
        precondition(
            frequencies.count == (width + 1) / 2 && (form != .rotary || width % 2 == 0),
            "\(frequencies.count) frequencies for \(width) columns")
        self.form = form
        self.width = width
        self.frequencies = frequencies
        self.amplitude = amplitude
        table = Mutex(Tensor([0, width]))
    }

    /// base^(-2i / width) for i from 0: from 1 down to almost 1 / base.
    package static func frequencies(width: Int, base: Double) -> [Double] {
        (0..<(width + 1) / 2).map { pow(base, -2 * Double($0) / Double(width)) }
    }

    /// The cosines and sines of the angles of positions (T), in primitives: (T, the number of frequencies) each.
    ///
    /// The angle of a late position is large, and 32-bit floats would round it too much. So each frequency is split
    /// into its first 8 bits, whose products with positions up to 65,536 are exact, and a small rest; the two rotations
    /// are combined.
    func rotations<Builder: PrimitiveBuilder>(
        _ positions: Builder.Value, _ builder: inout Builder
    ) -> (cosines: Builder.Value, sines: Builder.Value) {
        let positions = builder.insertDimension(positions, at: 1)
        let first = frequencies.map { Double(Float(bitPattern: Float($0).bitPattern & 0xFFFF_0000)) }
        let rest = zip(frequencies, first).map { $0 - $1 }
        let a = builder.multiply(positions, builder.constant(first, shape: [first.count]))
        let b = builder.multiply(positions, builder.constant(rest, shape: [rest.count]))
        let (cosA, sinA, cosB, sinB) = (builder.cosine(a), builder.sine(a), builder.cosine(b), builder.sine(b))
        return (
            builder.subtract(builder.multiply(cosA, cosB), builder.multiply(sinA, sinB)),
            builder.add(builder.multiply(sinA, cosB), builder.multiply(cosA, sinB))
        )
    }

    /// The rows of positions (T) of a table of sinusoids, in primitives: (T, width).
    func sinusoids<Builder: PrimitiveBuilder>(_ positions: Builder.Value, _ builder: inout Builder) -> Builder.Value {
        let (cosines, sines) = rotations(positions, &builder)
        if form == .sinesFirst {
            let rows = builder.multiply(builder.join([sines, cosines]), builder.constant(amplitude))
            return width == 2 * frequencies.count ? rows : builder.split(rows, [width, 1])[0]
        }
        // sin, cos, sin, cos, ...: a dimension of pairs.
        let pairs = builder.join([builder.insertDimension(sines, at: 2), builder.insertDimension(cosines, at: 2)])
        let waves = builder.multiply(pairs, builder.constant(amplitude))
        let rows = builder.reshape(waves, keeping: 1, [2 * frequencies.count])
        return width == 2 * frequencies.count ? rows : builder.split(rows, [width, 1])[0]
    }

    /// The row of a position.
    package func values(at position: Int) -> [Double] {
        let angles = frequencies.map { Double(position) * $0 }
        let row =
            switch form {
            case .rotary: angles.map(cosine) + angles.map(sine)
            case .sinesFirst: Array((angles.map(sine) + angles.map(cosine))[..<width])
            case .sinusoidal: Array(angles.flatMap { [sine($0), cosine($0)] }[..<width])
            }
        return row.map { amplitude * $0 }
    }

    /// At least the first `count` rows: (N, width) with N >= count.
    package func rows(_ count: Int) -> Tensor {
        table.withLock { table in
            let known = table.shape.rows
            if known < count {
                let more = (known..<max(count, 2 * known)).flatMap { values(at: $0).map { Float($0) } }
                table = Tensor([known + more.count / width, width], table.values + more)
            }
            return table
        }
    }
}

// The system's functions, in double: the stored floats have 29 bits fewer.
private func sine(_ x: Double) -> Double { sin(x) }
private func cosine(_ x: Double) -> Double { cos(x) }
