import Tensors

/// The order of the training windows. Training reads a text in passes (epochs), and each pass contains every part of the text
/// once.
///
/// A pass divides the positions into windows without gaps or overlaps, beginning at a random offset, and shuffles them. Windows
/// drawn independently would leave out more than a third of the text in the time of one pass, and repeat as much.
///
/// Everything is a function of the seed and the number of the window, so that a resumed run draws the same windows as an
/// uninterrupted one, and a text of any size needs no memory for its order.
package struct WindowOrder {
    /// The number of positions at which a window can start.
    package let positions: Int
    /// The length of a window.
    package let length: Int
    package let seed: UInt64

    package init(positions: Int, length: Int, seed: UInt64) {
        self.positions = positions
        self.length = length
        self.seed = seed
    }

    /// The number of windows of a pass.
    package var windowsPerPass: Int { max(1, positions / length) }

    /// The position at which a window starts.
    /// - Parameter number: the number of the window, from 0, in all passes.
    package func start(of number: Int) -> Int {
        let (pass, index) = number.quotientAndRemainder(dividingBy: windowsPerPass)
        let key = Philox.key([Purpose.windows, seed, UInt64(pass)])
        var random = Philox(key: key)
        let offset = Int(random.next().multipliedFullWidth(by: UInt64(positions)).high)
        return (offset + Self.shuffled(index, of: windowsPerPass, key: key) * length) % positions
    }

    /// The position of an element in a random order of `count` elements: a permutation of 0 ..< count.
    ///
    /// A Feistel network permutes the numbers of an even number of bits, at most four times as many. It is applied until the
    /// number is below `count`, which makes it a permutation of those (Black and Rogaway, "Ciphers with arbitrary finite
    /// domains", 2002).
    package static func shuffled(_ index: Int, of count: Int, key: UInt64) -> Int {
        precondition(index >= 0 && index < count, "element \(index) of \(count)")
        let half = max(1, (Int.bitWidth - (count - 1).leadingZeroBitCount + 1) / 2)
        let mask = UInt64(1) << half - 1
        var number = UInt64(index)
        repeat {
            var (left, right) = (number >> half, number & mask)
            for round in 1...4 as ClosedRange<UInt64> {
                let word = Philox.block(counter: (right, round), key: key).0
                (left, right) = (right, left ^ (UInt64(word) & mask))
            }
            number = left << half | right
        } while number >= UInt64(count)
        return Int(number)
    }
}
