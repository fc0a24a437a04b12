import Interchange
import Tensors

/// The largest of the differences that were noted.
struct LargestDifference {
    private let name: String
    private let tolerance: Double
    private var place = ""
    private var largest = -1.0

    init(_ name: String, _ tolerance: Double) {
        self.name = name
        self.tolerance = tolerance
    }

    var hasCompared: Bool { largest >= 0 }

    var difference: ReferenceCheck.Difference {
        ReferenceCheck.Difference(name: name, place: place, largest: max(0, largest), tolerance: tolerance)
    }

    mutating func note(_ difference: Double, _ place: String) {
        // A NaN is the largest difference.
        let size = difference.isNaN ? .infinity : abs(difference)
        if size > largest { (largest, self.place) = (size, place) }
    }

    mutating func compare(_ tensor: Tensor, _ name: String, in file: SafetensorsFile) throws {
        try compare(tensor.values.map(Double.init), name, in: file)
    }

    /// Compares rows of a tensor whose other rows are padding.
    mutating func compare(
        _ values: [Double], _ name: String, in file: SafetensorsFile, rows: [Int], columns: Int
    ) throws {
        let expected = try file.doubles(name)
        guard values.count == rows.count * columns, (rows.max() ?? 0) < expected.count / columns else {
            return note(.infinity, name)
        }
        for (i, row) in rows.enumerated() {
            for j in 0..<columns { note(values[i * columns + j] - expected[row * columns + j], name) }
        }
    }

    mutating func compare(_ values: [Double], _ name: String, in file: SafetensorsFile) throws {
        let expected = try file.doubles(name)
        guard expected.count == values.count else { return note(.infinity, name) }
        for (value, reference) in zip(values, expected) { note(value - reference, name) }
    }
}
