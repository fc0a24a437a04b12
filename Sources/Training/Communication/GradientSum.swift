import Tensors

/// The gradients of one step, summed over its micro-batches and over the ranks while the last backward pass of this rank is
/// computed.
///
/// When a backward pass has completed the gradient of a parameter, the sums of earlier micro-batches are added to it. When all
/// parameters of a bucket are complete, the bucket is exchanged with the other ranks on another thread.
package final class GradientSum {
    private let exchange: GradientExchange
    private let queue: ExchangeQueue
    /// The sums of all subtrees of this rank but the last. Each gradient moves from here into an exchange.
    private var finished: [PartialSum]
    /// The sums that are added to those of the last micro-batch, from the root of the tree down.
    private var waiting: [PartialSum]
    /// Whether this rank computes no micro-batch of the step.
    private let isIdle: Bool

    /// Whether the gradient of each parameter on this rank is complete, and whether there is one.
    private var isComplete: [Bool]
    private var isPresent: [Bool]
    /// The complete gradients of each subtree, until their bucket is exchanged.
    private var own: [[Tensor?]]
    /// Where the sum over the ranks is written.
    private var sums: [Tensor?]
    /// The first bucket that is not complete.
    private var nextBucket = 0

    /// A rank has abandoned the step.
    private struct Abandoned: Error {}

    /// Begins the exchanges of a step.
    /// - Parameters:
    ///   - exchange: how they are done.
    ///   - finished: the sums of all subtrees of this rank but the last.
    ///   - waiting: the sums within the last subtree that are added to its last micro-batch, from the root down.
    ///   - usesThread: whether a background thread exchanges gradients during the backward pass.
    package init(
        _ exchange: GradientExchange, finished: [PartialSum] = [], waiting: [PartialSum] = [], usesThread: Bool = true
    ) {
        (self.exchange, self.finished, self.waiting) = (exchange, finished, waiting)
        isIdle = exchange.block.isEmpty
        let count = exchange.shapes.count
        isComplete = Array(repeating: false, count: count)
        isPresent = isComplete
        sums = Array(repeating: nil, count: count)
        own = Array(repeating: sums, count: exchange.ownSubtrees.count)
        // With a single bucket there is nothing to exchange before the backward pass ends.
        queue = ExchangeQueue(
            usesThread: usesThread && exchange.communicator.size > 1 && exchange.buckets.count > 1
                && exchange.communicator.isCallableFromAnyThread)
        guard exchange.communicator.size > 1 else { return }
        queue.add { if try exchange.gather([]).contains(.abandoned) { throw Abandoned() } }
    }

    /// Reports to the other ranks, which sum the gradients of a step, that this rank has abandoned it.
    package static func abandon(_ exchange: GradientExchange) throws { _ = try exchange.gather(.abandoned) }

    /// Runs the last backward pass of this rank in the step, and moves each gradient into the sum when it is complete.
    /// - Parameters:
    ///   - parameters: those whose gradients are summed.
    ///   - backward: the forward and the backward pass, which returns the loss.
    /// - Returns: the loss.
    package func collect(from parameters: [Parameter], _ backward: () -> Double) -> Double {
        for (i, parameter) in parameters.enumerated() {
            parameter.gradientHook = { [unowned parameter] in self.take(from: parameter, i) }
        }
        defer { for parameter in parameters { parameter.gradientHook = nil } }
        let loss = backward()
        // Parameters that the pass did not use.
        for (i, parameter) in parameters.enumerated() where !isComplete[i] { take(from: parameter, i) }
        return loss
    }

    /// Ends the exchanges.
    /// - Parameters:
    ///   - loss: the loss of the last micro-batch of this rank.
    ///   - notes: what this rank reports.
    /// - Returns: the sum, or nil if a rank has abandoned the step; and what any of the ranks reports.
    /// - Throws: an error of one line if another rank cannot be reached.
    package func finish(
        loss: Double, notes: GradientExchange.Notes = []
    ) throws -> (sum: PartialSum?, notes: GradientExchange.Notes) {
        for i in isComplete.indices where !isComplete[i] { complete(i, with: nil) }
        do { try queue.finish() } catch is Abandoned { return (nil, .abandoned) }
        let last = waiting.reversed().reduce(loss) { $1.loss + $0 }
        let losses = finished.map(\.loss) + (isIdle ? [] : [last])
        guard exchange.communicator.size > 1 else { return (PartialSum(loss: last, gradients: sums), notes) }
        let all = try exchange.gather(notes, losses: losses, isPresent: isPresent)
        for i in sums.indices where !all.isPresent[i] { sums[i] = nil }
        return (PartialSum(loss: all.loss, gradients: sums), all.notes)
    }

    /// Sums gradients over the ranks without a backward pass.
    /// - Parameters:
    ///   - gradients: those of the only micro-batch of this rank. They are nil afterwards, because the sum uses their memory.
    ///   - loss: the loss of the micro-batch.
    /// - Returns: the sum.
    package func sum(_ gradients: inout [Tensor?], loss: Double) throws -> PartialSum? {
        for i in gradients.indices { complete(i, with: gradients[i].take()) }
        return try finish(loss: loss).sum
    }

    // MARK: Parameters

    private func take(from parameter: Parameter, _ index: Int) {
        let gradient = parameter.gradient
        parameter.gradient = nil
        complete(index, with: consume gradient)
    }

    /// Adds the sums of earlier micro-batches to the gradient of a parameter, and exchanges the buckets that are now complete.
    /// - Parameters:
    ///   - i: the number of the parameter.
    ///   - gradient: that of the last micro-batch. Nothing else refers to it, so that the sum is written into its memory.
    private func complete(_ i: Int, with gradient: consuming Tensor?) {
        for j in finished.indices { own[j][i] = finished[j].gradients[i].take() }
        if !isIdle { own[own.count - 1][i] = adding(consume gradient, i) }
        isPresent[i] = own.contains { $0[i] != nil }
        isComplete[i] = true
        while nextBucket < exchange.buckets.count, exchange.buckets[nextBucket].allSatisfy({ isComplete[$0] }) {
            exchangeBucket(exchange.buckets[nextBucket])
            nextBucket += 1
        }
    }

    /// The gradient of a parameter in the last subtree of this rank, given that of the last micro-batch.
    private func adding(_ gradient: consuming Tensor?, _ i: Int) -> Tensor? {
        guard !waiting.isEmpty else { return gradient }
        let last = gradient
        return Profile.measure("sum of gradients") {
            waiting.indices.reversed().reduce(last) { sum, j in
                var left = waiting[j].gradients[i].take()
                left.add(sum)
                return left
            }
        }
    }

    private func exchangeBucket(_ bucket: Range<Int>) {
        guard exchange.communicator.size > 1 else {
            for i in bucket { sums[i] = own[0][i].take() }
            return
        }
        let results = bucket.map { i -> Tensor in
            guard !own.isEmpty, var sum = own[0][i].take() else { return Tensor(exchange.shapes[i]) }
            // Two variables may have the same memory as their gradient, and the sum is written into it.
            if !isKnownUniquelyReferenced(&sum.storage) { sum = sum.copy() }
            return sum
        }
        let others = own.indices.dropFirst().map { j in
            bucket.map { i in own[j][i].take() ?? Tensor(exchange.shapes[i]) }
        }
        for (i, result) in zip(bucket, results) { sums[i] = result }
        let gradients = own.isEmpty ? [] : [results] + others
        let execution = Execution.current
        queue.add { [exchange] in
            var execution = execution
            // The other threads compute the gradients that follow.
            if ExchangeQueue.isInBackground { execution.threads = 1 }
            try Execution.$current.withValue(execution) { try exchange.sum(gradients, into: results) }
        }
    }
}
