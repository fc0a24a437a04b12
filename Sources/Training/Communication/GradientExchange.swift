import Tensors

/// How the gradients of a step are summed over the ranks, with the bits that one process computes.
///
/// The parameters are divided into buckets, from the last to the first, which is about the order in which a backward pass
/// completes their gradients. A bucket is exchanged as soon as it is complete, while the backward pass continues
/// (`GradientSum`).
///
/// The gradients of a bucket are seen as one array. Each rank sums a slice of it: the other ranks send it that slice of
/// their subtrees of the step, and it adds these in the order of the tree (a reduce-scatter). Then it sends the sum to all others
/// (an allgather). With S bytes of gradients and one subtree a rank, each of n ranks sends 2 S (n - 1) / n bytes, the least that
/// is possible. A large bucket is exchanged part by part, so that little memory is needed beside the gradients.
package struct GradientExchange: Sendable {
    package let communicator: any Communicator
    /// The order of summation.
    package let tree: SummationTree
    /// The shapes of the parameters, the same on every rank.
    package let shapes: [Shape]
    /// The parameters of each bucket.
    package let buckets: [Range<Int>]
    /// The subtrees of each rank.
    let subtrees: [[Range<Int>]]

    /// The number of floats that a rank sends in a part of an exchange.
    private let partLength: Int

    /// - Parameters:
    ///   - communicator: the ranks.
    ///   - tree: the order of summation.
    ///   - shapes: those of the parameters, the same on every rank.
    ///   - partLengths: the minimum and the maximum number of floats of a part of an exchange. Between these a part is an eighth of
    ///     all parameters, so that most gradients are exchanged before the backward pass ends. With smaller parts the latency of
    ///     messages would dominate; larger parts would need more memory for copies.
    package init(
        communicator: any Communicator, tree: SummationTree, shapes: [Shape],
        partLengths: ClosedRange<Int> = 1 << 16...1 << 20
    ) {
        self.communicator = communicator
        self.tree = tree
        self.shapes = shapes
        let count = shapes.reduce(0) { $0 + $1.count }
        partLength = max(partLengths.lowerBound, min(count / 8, partLengths.upperBound))
        buckets = Self.buckets(shapes, length: partLength)
        subtrees = (0..<communicator.size).map { tree.subtrees(within: tree.block(of: $0, size: communicator.size)) }
    }

    /// Divides parameters into buckets of at least `length` floats, from the last parameter to the first.
    private static func buckets(_ shapes: [Shape], length: Int) -> [Range<Int>] {
        var buckets: [Range<Int>] = [], end = shapes.count, floats = 0
        for i in shapes.indices.reversed() {
            floats += shapes[i].count
            guard floats >= length || i == 0 else { continue }
            buckets.append(i..<end)
            (end, floats) = (i, 0)
        }
        return buckets
    }

    /// What a rank reports with its sums.
    package struct Notes: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Rank 0 has stopped within the step, so its sums are incomplete and no update must be made.
        static let abandoned = Notes(rawValue: 1)
        /// The process was asked to stop.
        static let stop = Notes(rawValue: 2)
    }

    /// The micro-batches of this rank.
    package var block: Range<Int> { tree.block(of: communicator.rank, size: communicator.size) }

    /// The subtrees of this rank.
    package var ownSubtrees: [Range<Int>] { subtrees[communicator.rank] }

    /// The number of bytes of all gradients.
    package var bytes: Int { 4 * shapes.reduce(0) { $0 + $1.count } }

    /// The number of rounds of messages in a sum: one before the gradients and one after them, and two for each part of them.
    package var rounds: Int {
        buckets.reduce(2) { rounds, bucket in
            let count = bucket.reduce(0) { $0 + shapes[$1].count }
            return rounds + 2 * ((count + floatsOfPart - 1) / floatsOfPart)
        }
    }

    /// The number of elements of all gradients that are summed in a part of the exchange.
    private var floatsOfPart: Int { max(communicator.size, partLength / max(1, subtrees.map(\.count).max() ?? 1)) }

    // MARK: Notes

    /// Exchanges notes among all ranks: whether one has abandoned the step.
    /// - Parameter notes: what this rank reports.
    /// - Returns: what any of the ranks reports.
    func gather(_ notes: Notes) throws -> Notes {
        try communicator.gather([notes.rawValue], lengths: Array(repeating: 1, count: communicator.size))
            .reduce(into: []) { $0.formUnion(Notes(rawValue: $1[0])) }
    }

    /// Exchanges notes, losses, and which gradients there are, among all ranks.
    /// - Parameters:
    ///   - notes: what this rank reports.
    ///   - losses: those of the subtrees of this rank.
    ///   - isPresent: whether each parameter has a gradient on this rank.
    /// - Returns: what any of the ranks reports, the loss of the step, and whether each parameter has a gradient on any rank.
    func gather(
        _ notes: Notes, losses: [Double], isPresent: [Bool]
    ) throws -> (notes: Notes, loss: Double, isPresent: [Bool]) {
        var mask = [UInt8](repeating: 0, count: (shapes.count + 7) / 8)
        for i in isPresent.indices where isPresent[i] { mask[i / 8] |= 1 << (i % 8) }
        let headers = try communicator.gather(
            [notes.rawValue] + mask + losses.flatMap(\.bitPattern.messageBytes),
            lengths: subtrees.map { 1 + mask.count + 8 * $0.count })

        var values: [Range<Int>: Double] = [:]
        for (nodes, header) in zip(subtrees, headers) {
            for (i, node) in nodes.enumerated() {
                let start = 1 + mask.count + 8 * i
                values[node] = Double(bitPattern: UInt64(messageBytes: header[start..<start + 8]))
            }
        }
        return (
            headers.reduce(into: []) { $0.formUnion(Notes(rawValue: $1[0])) },
            tree.sum(value: { values[$0] }, add: +=),
            shapes.indices.map { i in headers.contains { $0[1 + i / 8] >> (i % 8) & 1 == 1 } }
        )
    }

    // MARK: Gradients

    /// Sums the gradients of a bucket over the ranks.
    /// - Parameters:
    ///   - own: the gradients of each subtree of this rank.
    ///   - result: where the sum is written. It may be the memory of the first subtree.
    func sum(_ own: [[Tensor]], into result: [Tensor]) throws {
        let own = own.map(GradientArray.init), result = GradientArray(result)
        for start in stride(from: 0, to: result.count, by: floatsOfPart) {
            try sumPart(start..<min(start + floatsOfPart, result.count), own, into: result)
        }
    }

    private func sumPart(_ part: Range<Int>, _ own: [GradientArray], into result: GradientArray) throws {
        let (rank, size) = (communicator.rank, communicator.size)
        let slices = (0..<size).map { rank in
            part.lowerBound + part.count * rank / size..<part.lowerBound + part.count * (rank + 1) / size
        }
        let others = (0..<size).filter { $0 != rank }
        // Reduce-scatter: this rank gets its slice of every subtree.
        let sent = others.flatMap { other in own.map { (other, $0.copy(slices[other])) } }
        let received = others.flatMap { other in
            subtrees[other].map { (other, $0, Tensor(uninitialized: [slices[rank].count])) }
        }
        try exchange(sending: sent, receiving: received.map { ($0.0, $0.2) })
        var values = Dictionary(uniqueKeysWithValues: received.map { ($0.1, $0.2) })
        for (node, array) in zip(ownSubtrees, own) { values[node] = array.copy(slices[rank]) }
        // Each value is used once, so that the sum is computed in its memory.
        let sum = tree.sum(value: { values.removeValue(forKey: $0) }, add: { $0.add($1) })
        // Allgather: every rank gets the sums of all others.
        let sums = others.map { ($0, Tensor(uninitialized: [slices[$0].count])) }
        try exchange(sending: others.map { ($0, sum) }, receiving: sums)
        result.write(sum, at: slices[rank].lowerBound)
        for (other, sum) in sums { result.write(sum, at: slices[other].lowerBound) }
    }

    /// Exchanges tensors with other ranks. Empty ones are not sent.
    private func exchange(sending sent: [(rank: Int, Tensor)], receiving received: [(rank: Int, Tensor)]) throws {
        func bytes(_ tensor: Tensor) -> UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(start: tensor.pointer, count: 4 * tensor.count)
        }
        try withExtendedLifetime((sent, received)) {
            try communicator.exchange(
                sending: sent.filter { $0.1.count > 0 }.map { .init(to: $0.rank, .init(bytes($0.1))) },
                receiving: received.filter { $0.1.count > 0 }.map { .init(from: $0.rank, bytes($0.1)) })
        }
    }
}

/// Several tensors as one array.
private struct GradientArray {
    private let tensors: [Tensor]
    /// The position of the first element of each tensor, and the number of all elements.
    private let starts: [Int]

    init(_ tensors: [Tensor]) {
        self.tensors = tensors
        starts = tensors.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    }

    var count: Int { starts[tensors.count] }

    /// A copy of neighbouring elements.
    func copy(_ range: Range<Int>) -> Tensor {
        let copy = Tensor(uninitialized: [range.count])
        forEachPiece(of: range) { piece, position in
            (copy.pointer + position).update(from: piece.baseAddress!, count: piece.count)
        }
        return copy
    }

    /// Replaces the elements from a position on.
    func write(_ values: Tensor, at start: Int) {
        forEachPiece(of: start..<start + values.count) { piece, position in
            piece.baseAddress!.update(from: values.pointer + position, count: piece.count)
        }
    }

    /// Calls `body` with the elements of a range, tensor by tensor, and their position within the range.
    private func forEachPiece(of range: Range<Int>, _ body: (UnsafeMutableBufferPointer<Float>, Int) -> Void) {
        for (i, tensor) in tensors.enumerated() {
            let piece = range.clamped(to: starts[i]..<starts[i + 1])
            guard !piece.isEmpty else { continue }
            tensor.withElements { elements in
                body(
                    UnsafeMutableBufferPointer(
                        rebasing: elements[piece.lowerBound - starts[i]..<piece.upperBound - starts[i]]),
                    piece.lowerBound - range.lowerBound)
            }
        }
    }
}
