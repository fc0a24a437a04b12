import Tensors

/// A part of a moment, as one rank keeps it.
struct MomentPart {
    let moment: Optimizer.Moment
    let rank: Int
    /// The elements of the parameter.
    let elements: Range<Int>
}

// The moments of the optimizer. By default every rank has all of them. With `TrainingSettings.optimizerShards` each rank has a
// part. It updates the weights of this part, and receives the other weights from the other ranks after each step. Rank 0 never
// has all moments, because the model may be too large for one machine: it saves and restores one part at a time.
extension Trainer {
    /// Whether each rank has a part of the moments.
    var isSharded: Bool { settings.optimizerShards > 1 && communicator.size > 1 }

    /// Divides the moments among the ranks, and allocates the part of this rank if it is not allocated yet.
    func keepOwnMoments() {
        // Without a division, each process saves and restores all moments as a single rank 0 does.
        let shards =
            isSharded
            ? optimizer.shards(communicator.size) : [.whole(optimizer.parameters.map(\.parameter.value.count))]
        momentParts = optimizer.allMoments.flatMap { moment in
            shards.enumerated().compactMap { rank, shard in
                let elements = shard.elements[moment.parameter]
                return elements.isEmpty ? nil : MomentPart(moment: moment, rank: rank, elements: elements)
            }.sorted { $0.elements.lowerBound < $1.elements.lowerBound }
        }
        let shard = shards[isSharded ? communicator.rank : 0]
        if optimizer.shard != shard { optimizer.keepMoments(of: shard) }
    }

    /// Sends the weights that this rank has updated to all others, and receives those that they have updated (an allgather).
    func gatherWeights() throws {
        guard isSharded else { return }
        try Profile.measure("weights of ranks") {
            var outgoing: [OutgoingMessage] = [], incoming: [IncomingMessage] = []
            for part in momentParts where part.moment.order == 1 {
                let weights = optimizer.parameters[part.moment.parameter].parameter.value
                let bytes = UnsafeMutableRawBufferPointer(
                    start: weights.pointer + part.elements.lowerBound, count: 4 * part.elements.count)
                if part.rank == communicator.rank {
                    let others = (0..<communicator.size).filter { $0 != part.rank }
                    outgoing += others.map { OutgoingMessage(to: $0, UnsafeRawBufferPointer(bytes)) }
                } else {
                    incoming.append(IncomingMessage(from: part.rank, bytes))
                }
            }
            try withExtendedLifetime(optimizer) { try communicator.exchange(sending: outgoing, receiving: incoming) }
            for named in optimizer.parameters { named.parameter.didChange() }
        }
    }

    // MARK: Saves

    /// Calls `body` with the bytes of a moment, one part at a time. Rank 0 saves them.
    /// - Parameters:
    ///   - moment: one of `optimizer.allMoments`.
    ///   - body: called with consecutive bytes.
    package func withBytes(of moment: Optimizer.Moment, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        for (index, part) in momentParts.enumerated() where part.moment == moment {
            let tensor: Tensor
            if part.rank == 0 {
                tensor = ownMoment(part)
            } else {
                tensor = Tensor(uninitialized: [part.elements.count])
                try announce(.save(part: index))
                // A rank that is lost now must not be waited for.
                isWithinStep = true
                try communicator.receive(tensor, from: part.rank)
                isWithinStep = false
            }
            try tensor.withElements { try body(UnsafeRawBufferPointer($0)) }
        }
    }

    /// The tensor of a part that this rank keeps.
    private func ownMoment(_ part: MomentPart) -> Tensor {
        guard let tensor = optimizer.tensor(of: part.moment) else {
            preconditionFailure("rank \(part.rank) has no moments of parameter \(part.moment.parameter)")
        }
        return tensor
    }

    /// Sends a part of a moment to rank 0, if this rank keeps it.
    /// - Parameter index: the index of the part.
    func sendPart(_ index: Int) throws {
        let part = momentParts[index]
        if part.rank == communicator.rank { try communicator.send(ownMoment(part), to: 0) }
    }

    /// Reads the moments of a resumed run, and sends each part to the rank that keeps it. Only rank 0 calls this.
    func restoreMoments() throws {
        guard let savedMoments else { return }
        for (index, part) in momentParts.enumerated() {
            if part.rank == 0 {
                try savedMoments(part.moment, part.elements, ownMoment(part))
            } else {
                let tensor = Tensor(uninitialized: [part.elements.count])
                try savedMoments(part.moment, part.elements, tensor)
                try announce(.restore(part: index))
                isWithinStep = true
                try communicator.send(tensor, to: part.rank)
                isWithinStep = false
            }
        }
        self.savedMoments = nil
    }

    /// Receives a part of a moment from rank 0, if this rank keeps it.
    /// - Parameter index: the index of the part.
    func receivePart(_ index: Int) throws {
        let part = momentParts[index]
        if part.rank == communicator.rank { try communicator.receive(ownMoment(part), from: 0) }
    }
}
