import Tensors

/// The keys and values of one layer for all positions so far of each sequence of a batch. With it, a new token costs one
/// step instead of a pass over the whole sequence.
package struct LayerCache {
    package private(set) var sequences: [CachedSequence]

    /// - Parameters:
    ///   - batch: B, the number of sequences.
    ///   - capacity: the most positions of each.
    ///   - width: the total width of all heads of the keys, which is also that of the values.
    package init(batch: Int, capacity: Int, width: Int) {
        sequences = (0..<batch).map { _ in CachedSequence(capacity: capacity, width: width) }
    }

    /// One batch of the sequences of several caches, without a copy.
    package init(joining caches: [LayerCache]) { sequences = caches.flatMap(\.sequences) }

    /// Copies of the first positions of each sequence.
    package init(copying other: LayerCache, length: Int) {
        sequences = other.sequences.map { CachedSequence(copying: $0, length: length) }
    }

    package func clear() { for sequence in sequences { sequence.clear() } }

    /// The number of positions of each sequence that are filled.
    package var lengths: [Int] { sequences.map(\.length) }

    /// Appends the keys and values of T new positions of each sequence.
    /// - Parameter new: queries, keys and values (B, T, ...): three variables, or one that holds them in this order.
    func append(_ new: [Variable]) {
        let own = sequences[0].keys.shape.columns
        let (B, T, width) = new[0].value.shape.three
        precondition(B == sequences.count, "\(B) sequences in a cache of \(sequences.count)")
        let (keys, values) = new.count == 3 ? (new[1].value, new[2].value) : (new[0].value, new[0].value)
        let (keyColumn, valueColumn) = new.count == 3 ? (0, 0) : (width - 2 * own, width - own)
        for (b, sequence) in sequences.enumerated() {
            sequence.append(keys: keys, from: keyColumn, values: values, from: valueColumn, rows: b * T..<(b + 1) * T)
        }
    }

    /// Replaces the sequences: the new sequence i has the keys and values of the old sequence `origins[i]`.
    package mutating func select(_ origins: [Int]) {
        var isTaken = [Bool](repeating: false, count: sequences.count)
        sequences = origins.map { origin in
            // The first that continues a sequence takes it over.
            defer { isTaken[origin] = true }
            let sequence = sequences[origin]
            return isTaken[origin] ? CachedSequence(copying: sequence, length: sequence.length) : sequence
        }
    }
}
