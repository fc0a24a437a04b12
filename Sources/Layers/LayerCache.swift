import Tensors

/// The keys and values of one layer for all positions so far. With it, a new token costs one step instead of a pass
/// over the whole sequence.
package final class LayerCache {
    /// (B, N, keyValueHeads x size), of which the first `length` positions are filled. Keys are stored rotated.
    package private(set) var keys: Tensor
    package private(set) var values: Tensor
    package private(set) var length = 0
    private let capacity: Int

    /// - Parameters:
    ///   - batch: B.
    ///   - capacity: the most positions. Memory grows with the positions in use: models with a context of a hundred
    ///     thousand tokens mostly process few.
    ///   - width: the total width of all heads of the keys, which is also that of the values.
    package init(batch: Int, capacity: Int, width: Int) {
        self.capacity = capacity
        keys = Tensor(uninitialized: [batch, min(capacity, 1024), width])
        values = Tensor(uninitialized: [batch, min(capacity, 1024), width])
    }

    package func clear() { length = 0 }

    /// Appends the keys and values of T new positions.
    /// - Parameter new: queries, keys and values (B, T, ...): three variables, or one that holds them in this order.
    /// - Returns: the inputs of attention: the new queries, and the keys and values of all positions (B, N, width).
    func append(_ new: [Variable]) -> [Variable] {
        let (_, T, width) = new[0].value.shape.three, own = keys.shape.columns
        precondition(length + T <= capacity, "\(length + T) positions in a cache for \(capacity)")
        if length + T > keys.shape[1] { grow(to: min(capacity, max(length + T, 2 * keys.shape[1]))) }
        if new.count == 3 {
            copy(new[1].value, from: 0, to: keys)
            copy(new[2].value, from: 0, to: values)
        } else {
            copy(new[0].value, from: width - 2 * own, to: keys)
            copy(new[0].value, from: width - own, to: values)
        }
        length += T
        return [new[0], Variable(keys, needsGradient: false), Variable(values, needsGradient: false)]
    }

    /// Replaces the sequences: the new sequence i has the keys and values of the old sequence `origins[i]`.
    package func select(_ origins: [Int]) {
        let (_, room, width) = keys.shape.three
        func selected(_ cached: Tensor) -> Tensor {
            let new = Tensor(uninitialized: [origins.count, room, width])
            cached.withElements { from in
                new.withElements { to in
                    for (i, origin) in origins.enumerated() {
                        let filled = origin * room * width..<(origin * room + length) * width
                        _ = to[(i * room * width)...].update(fromContentsOf: from[filled])
                    }
                }
            }
            return new
        }
        (keys, values) = (selected(keys), selected(values))
    }

    /// Makes room for `room` positions, and keeps the contents.
    private func grow(to room: Int) {
        let (B, old, width) = keys.shape.three
        func grown(_ cached: Tensor) -> Tensor {
            let larger = Tensor(uninitialized: [B, room, width])
            cached.withElements { from in
                larger.withElements { to in
                    for b in 0..<B {
                        let filled = b * old * width..<(b * old + length) * width
                        _ = to[(b * room * width)...].update(fromContentsOf: from[filled])
                    }
                }
            }
            return larger
        }
        (keys, values) = (grown(keys), grown(values))
    }

    /// Appends the columns of x from `column` on.
    private func copy(_ x: Tensor, from column: Int, to cached: Tensor) {
        let (B, T, width) = x.shape.three
        let (_, capacity, own) = cached.shape.three
        x.withElements { x in
            cached.withElements { cached in
                for b in 0..<B {
                    for t in 0..<T {
                        let from = (b * T + t) * width + column, to = (b * capacity + length + t) * own
                        _ = cached[to..<to + own].update(fromContentsOf: x[from..<from + own])
                    }
                }
            }
        }
    }
}
