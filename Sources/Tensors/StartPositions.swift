/// The position of the first row of each sequence of a batch in its whole sequence: in generation, the number of positions
/// in its cache.
package enum StartPositions: Sendable, Equatable {
    /// The same position in each sequence.
    case same(Int)
    /// A position for each sequence.
    case each([Int])

    /// The beginning of each sequence.
    package static let zero = StartPositions.same(0)

    /// - Parameter positions: a position for each sequence, at least one.
    package init(_ positions: [Int]) {
        let first = positions[0]
        self = positions.allSatisfy { $0 == first } ? .same(first) : .each(positions)
    }

    /// The position of each row of sequences of `length` rows; nil if `offset` determines it.
    package func rows(length: Int) -> [Int32]? {
        guard case .each(let positions) = self else { return nil }
        return positions.flatMap { Int32($0)..<Int32($0 + length) }
    }

    /// The position that all sequences have in common; 0 if they differ.
    package var offset: Int {
        if case .same(let position) = self { position } else { 0 }
    }

    /// The highest position.
    package var highest: Int {
        switch self {
        case .same(let position): position
        case .each(let positions): positions.max() ?? 0
        }
    }
}

extension PrimitiveBuilder {
    /// The positions of a batch's tokens in their sequences, which all begin at the same position.
    mutating func positions(_ count: Dimension, from start: StartPositions) -> Value {
        guard case .same(let offset) = start else {
            preconditionFailure("a reference is defined for sequences that begin at the same position")
        }
        return positions(count, after: offset)
    }
}
