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
        let parameters = optimizer.parameters.map(\.parameter)
        let exchange = GradientExchange(
            communicator: communicator, tree: SummationTree(count: settings.accumulate),
            shapes: parameters.map(\.value.shape))
        var sums: [PartialSum] = [], notes: GradientExchange.Notes = []
        do {
            for node in exchange.tree.subtrees(within: exchange.block) {
                let sum = try exchange.tree.sum(
                    node,
                    value: { (range: Range<Int>) -> PartialSum? in
                        guard range.count == 1, let microBatch = range.first else { return nil }
                        if microBatch > exchange.block.lowerBound, communicator.rank == 0, shouldStop() {
                            throw StoppedWithinStep()
                        }
                        let loss = computeGradients(microBatch: microBatch, targets: targets)
                        defer { optimizer.clearGradients() }
                        return PartialSum(loss: loss, gradients: parameters.map(\.gradient))
                    },
                    add: { sum, other in Profile.measure("sum of gradients") { sum.add(other) } })
                sums.append(sum)
            }
        } catch is StoppedWithinStep {
            notes = .abandoned
        }
        let total: PartialSum?
        if communicator.size > 1 {
            if shouldStop() { notes.insert(.stop) }
            let (sum, all) = try Profile.measure("sum over ranks") { try exchange.sum(&sums, notes: notes) }
            total = sum
            if all.contains(.stop) { isStopRequested = true }
        } else {
            total = notes.isEmpty ? sums.first : nil
        }
        guard let total else { return nil }
        for (parameter, gradient) in zip(parameters, total.gradients) { parameter.gradient = gradient }
        return total.loss
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
