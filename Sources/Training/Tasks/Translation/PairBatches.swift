import Tensors

/// The batches of training pairs, pass by pass. In each pass every pair is in one batch, and the pairs of a batch have similar
/// lengths. Which pairs are in which batch is a function of the seed and the number of the pass.
///
/// A pass is put in random order and divided into batches of sizes that differ by at most one pair. The pairs of each pool of 16
/// batches are then sorted by their lengths, and the batches of the pool are drawn in random order.
package struct PairBatches {
    private let lengths: [Int]
    private let size: Int
    private let seed: UInt64
    /// The number of batches of a pass.
    package let countPerPass: Int
    /// The pass that was drawn from last.
    private var pass: (number: Int, batches: [[Int]])?

    private static let poolSize = 16

    /// - Parameters:
    ///   - lengths: the length of each pair.
    ///   - size: the greatest number of pairs of a batch.
    ///   - seed: the seed.
    package init(_ lengths: [Int], size: Int, seed: UInt64) {
        precondition(!lengths.isEmpty && size > 0, "batches of \(size) of \(lengths.count) pairs")
        self.lengths = lengths
        self.size = size
        self.seed = seed
        countPerPass = (lengths.count + size - 1) / size
    }

    /// The numbers of the pairs of a batch.
    /// - Parameter number: the number of batches before it, in all passes.
    package subscript(number: Int) -> [Int] {
        mutating get {
            let (passNumber, place) = number.quotientAndRemainder(dividingBy: countPerPass)
            if let pass, pass.number == passNumber { return pass.batches[place] }
            let batches = batches(ofPass: passNumber)
            pass = (passNumber, batches)
            return batches[place]
        }
    }

    private func batches(ofPass pass: Int) -> [[Int]] {
        let order = Passes(over: lengths.count, seed: seed).order(of: pass)
        var random = Philox(Purpose.pools, seed, UInt64(pass))
        func start(ofBatch batch: Int) -> Int { batch * order.count / countPerPass }
        var batches: [[Int]] = []
        batches.reserveCapacity(countPerPass)
        for first in stride(from: 0, to: countPerPass, by: Self.poolSize) {
            let pool = first..<min(first + Self.poolSize, countPerPass)
            let begin = start(ofBatch: pool.lowerBound)
            // Sorted by the place in the order as well, so that the result does not depend on the sorting algorithm.
            let sorted = order[begin..<start(ofBatch: pool.upperBound)].enumerated()
                .sorted { (lengths[$0.element], $0.offset) < (lengths[$1.element], $1.offset) }.map(\.element)
            let parts = pool.map { batch in
                (
                    key: random.next(),
                    pairs: Array(sorted[start(ofBatch: batch) - begin..<start(ofBatch: batch + 1) - begin])
                )
            }
            batches += parts.sorted { $0.key < $1.key }.map(\.pairs)
        }
        return batches
    }
}
