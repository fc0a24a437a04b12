import Tensors

/// Sums the gradients of a step over the ranks, with the bits that one process computes.
///
/// The gradients of all parameters are seen as one array. Each rank sums a slice of it: the other ranks send it that slice of
/// their subtrees of the step, and it adds these in the order of the tree (a reduce-scatter). Then it sends the sum to all others
/// (an allgather). With S bytes of gradients and one subtree a rank, each of n ranks sends 2 S (n - 1) / n bytes, the least that
/// is possible. This is done for a part of the array after the other, so that little memory is needed beside the gradients.
package struct GradientExchange {
    let communicator: any Communicator
    /// The order of summation.
    let tree: SummationTree
    /// The shapes of the parameters, the same on every rank.
    let shapes: [Shape]
    /// The number of floats that a rank sends in a part of the exchange.
    var partLength = 1 << 22

    /// - Parameters:
    ///   - communicator: the ranks.
    ///   - tree: the order of summation.
    ///   - shapes: those of the parameters, the same on every rank.
    package init(communicator: any Communicator, tree: SummationTree, shapes: [Shape]) {
        self.communicator = communicator
        self.tree = tree
        self.shapes = shapes
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
    var block: Range<Int> { tree.block(of: communicator.rank, size: communicator.size) }

    /// The subtrees of each rank.
    private var subtrees: [[Range<Int>]] {
        (0..<communicator.size).map { tree.subtrees(within: tree.block(of: $0, size: communicator.size)) }
    }

    /// The number of bytes of all gradients.
    package var bytes: Int { 4 * shapes.reduce(0) { $0 + $1.count } }

    /// The number of rounds of messages in a sum: one for the headers, and two for each part of the gradients.
    package var rounds: Int {
        let length = floatsOfPart(subtrees)
        return 1 + 2 * ((bytes / 4 + length - 1) / length)
    }

    /// The number of elements of all gradients that are summed in a part of the exchange.
    private func floatsOfPart(_ subtrees: [[Range<Int>]]) -> Int {
        max(communicator.size, partLength / max(1, subtrees.map(\.count).max() ?? 1))
    }

    /// Sums over all ranks.
    /// - Parameters:
    ///   - own: the sums of the subtrees of this rank, in order; empty afterwards, because their memory is that of the result.
    ///   - notes: what this rank reports.
    /// - Returns: the sum, or nil if a rank has abandoned the step; and what any of the ranks reports.
    package func sum(_ own: inout [PartialSum], notes: Notes = []) throws -> (sum: PartialSum?, notes: Notes) {
        let subtrees = subtrees
        let headers = try communicator.gather(
            header(own, notes), lengths: subtrees.map { headerLength(subtrees: $0.count) })
        let together = headers.reduce(into: Notes()) { $0.formUnion(Notes(rawValue: $1[0])) }
        if together.contains(.abandoned) { return (nil, together) }

        var losses: [Range<Int>: Double] = [:]
        for (nodes, header) in zip(subtrees, headers) {
            for (i, node) in nodes.enumerated() { losses[node] = Self.loss(header, at: 1 + maskLength + 8 * i) }
        }
        let loss = tree.sum(value: { losses[$0] }, add: +=)
        // A parameter has a gradient if it has one on any rank.
        let isPresent = shapes.indices.map { i in headers.contains { $0[1 + i / 8] >> (i % 8) & 1 == 1 } }
        var gradients = own.map(\.gradients)
        own = []
        let sums = try sumGradients(&gradients, isPresent, subtrees)
        return (PartialSum(loss: loss, gradients: sums), together)
    }

    // MARK: Headers

    /// The number of bytes with one bit for each parameter: whether it has a gradient.
    private var maskLength: Int { (shapes.count + 7) / 8 }

    private func headerLength(subtrees: Int) -> Int { 1 + maskLength + 8 * subtrees }

    /// What a rank sends before the gradients: notes, which parameters have a gradient, and the loss of each subtree.
    private func header(_ own: [PartialSum], _ notes: Notes) -> [UInt8] {
        var mask = [UInt8](repeating: 0, count: maskLength)
        for sum in own {
            for (i, gradient) in sum.gradients.enumerated() where gradient != nil { mask[i / 8] |= 1 << (i % 8) }
        }
        // A step that was abandoned has no losses.
        let count = tree.subtrees(within: block).count
        let losses = (0..<count).flatMap { ($0 < own.count ? own[$0].loss : 0).bitPattern.messageBytes }
        return [notes.rawValue] + mask + losses
    }

    private static func loss(_ header: [UInt8], at start: Int) -> Double {
        Double(bitPattern: UInt64(messageBytes: header[start..<start + 8]))
    }

    // MARK: Gradients

    /// Sums the gradients that are present. The sum is in the memory of the first subtree of this rank, if it has one.
    private func sumGradients(
        _ own: inout [[Tensor?]], _ isPresent: [Bool], _ subtrees: [[Range<Int>]]
    ) throws -> [Tensor?] {
        for j in own.indices {
            for i in shapes.indices where isPresent[i] && own[j][i] == nil { own[j][i] = Tensor(shapes[i]) }
        }
        let sums = shapes.indices.map { i -> Tensor? in
            guard isPresent[i] else { return nil }
            guard !own.isEmpty, var sum = own[0][i].take() else { return Tensor(uninitialized: shapes[i]) }
            // Two parameters may have the same memory as their gradient.
            if !isKnownUniquelyReferenced(&sum.storage) { sum = sum.copy() }
            return sum
        }
        let result = GradientArray(sums.compactMap { $0 })
        let arrays = own.indices.map { j in j == 0 ? result : GradientArray(own[j].compactMap { $0 }) }
        let length = floatsOfPart(subtrees)
        for start in stride(from: 0, to: result.count, by: length) {
            try sumPart(start..<min(start + length, result.count), arrays, subtrees, into: result)
        }
        return sums
    }

    /// Sums a part of the array of all gradients.
    private func sumPart(
        _ part: Range<Int>, _ own: [GradientArray], _ subtrees: [[Range<Int>]], into result: GradientArray
    ) throws {
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
        for (node, array) in zip(subtrees[rank], own) { values[node] = array.copy(slices[rank]) }
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
