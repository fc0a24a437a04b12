import Tensors

/// A step was stopped between its micro-batches.
private struct StoppedWithinStep: Error {}

// The gradients of a step, from those of its micro-batches.
extension Trainer {
    /// Computes the gradients of the step, and puts them into the parameters.
    ///
    /// The gradients of each micro-batch are computed by themselves and then summed in the order of `SummationTree`, here and on
    /// other ranks.
    /// - Parameters:
    ///   - targets: the number of targets of the step.
    ///   - shouldStop: called between micro-batches. On rank 0 the step then ends without a result; other ranks report it to
    ///     rank 0.
    /// - Returns: the sum of the losses of the targets; nil if the step is not to be taken.
    func computeGradients(targets: Int, shouldStop: () -> Bool) throws -> Double? {
        let parameters = optimizer.parameters.map(\.parameter).filter(\.needsGradient)
        let exchange = GradientExchange(
            communicator: communicator, tree: SummationTree(count: settings.accumulate),
            shapes: parameters.map(\.value.shape))
        let tree = exchange.tree, subtrees = exchange.ownSubtrees
        func throwIfStopped(before microBatch: Int) throws {
            guard microBatch > exchange.block.lowerBound, communicator.rank == 0 else { return }
            if shouldStop() { throw StoppedWithinStep() }
        }
        /// The sum of a subtree that does not contain the last micro-batch of this rank.
        func sum(_ node: Range<Int>) throws -> PartialSum {
            try tree.sum(
                node,
                value: { range in
                    guard range.count == 1, let microBatch = range.first else { return nil }
                    try throwIfStopped(before: microBatch)
                    let loss = computeGradients(microBatch: microBatch, targets: targets)
                    defer { optimizer.clearGradients() }
                    return PartialSum(loss: loss, gradients: parameters.map(\.gradient))
                },
                add: { sum, other in Profile.measure("sum of gradients") { sum.add(other) } })
        }

        let total: GradientSum
        do {
            let finished = try subtrees.dropLast().map(sum)
            let waiting = try (subtrees.last.map(tree.leftOfLastLeaf) ?? []).map(sum)
            if let last = exchange.block.last { try throwIfStopped(before: last) }
            total = GradientSum(exchange, finished: finished, waiting: waiting)
        } catch is StoppedWithinStep {
            try GradientSum.abandon(exchange)
            return nil
        }
        var loss = 0.0
        if let last = exchange.block.last {
            loss = total.collect(from: parameters) { computeGradients(microBatch: last, targets: targets) }
        }
        let notes: GradientExchange.Notes = communicator.size > 1 && shouldStop() ? .stop : []
        let (result, all) = try Profile.measure("sum over ranks") { try total.finish(loss: loss, notes: notes) }
        if all.contains(.stop) { isStopRequested = true }
        guard let result else { return nil }
        for (parameter, gradient) in zip(parameters, result.gradients) { parameter.gradient = gradient }
        return result.loss
    }

    /// Computes the gradients of a micro-batch, where there are none yet.
    /// - Parameters:
    ///   - microBatch: its number within the step.
    ///   - targets: the number of targets of the step.
    /// - Returns: the sum of the losses of its targets.
    private func computeGradients(microBatch: Int, targets: Int) -> Double {
        let batch = Profile.measure("batch") {
            task.microBatch(MicroBatchIndex(step: progress.step, microBatch: microBatch))
        }
        let key = Philox.key([Purpose.dropout, settings.seed, UInt64(progress.step), UInt64(microBatch)])
        return Execution.with(settings.precision) {
            batch.loss(1 / Float(targets), settings.dropout > 0 ? (Float(settings.dropout), key) : nil)
        }
    }
}
