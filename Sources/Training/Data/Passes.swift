import Tensors

/// Passes over the examples of a dataset (epochs): each example occurs once in a pass, in an order that the seed and the number
/// of the pass decide. So a resumed run draws the same examples as an uninterrupted one.
struct Passes {
    /// The number of examples.
    let count: Int
    let seed: UInt64

    init(over count: Int, seed: UInt64) {
        precondition(count > 0, "a pass needs an example")
        self.count = count
        self.seed = seed
    }

    /// The numbers of the examples at some positions in all passes, one after another.
    subscript(positions: Range<Int>) -> [Int] {
        var pass = -1
        var order: [Int] = []
        return positions.map { position in
            if position / count != pass {
                pass = position / count
                order = self.order(of: pass)
            }
            return order[position % count]
        }
    }

    /// The order of a pass (Fisher and Yates).
    func order(of pass: Int) -> [Int] {
        var random = Philox(Purpose.examples, seed, UInt64(pass))
        var order = Array(0..<count)
        for last in order.indices.reversed().dropLast() {
            let other = Int(random.next().multipliedFullWidth(by: UInt64(last + 1)).high)
            order.swapAt(last, other)
        }
        return order
    }
}
