import Tensors

/// A part of a moment, as one rank keeps it.
private struct MomentPart {
    let moment: Optimizer.Moment
    let rank: Int
    /// The elements of the parameter.
    let elements: Range<Int>
}

// The moments of the optimizer. By default every rank has all of them. With `TrainingSettings.optimizerShards` each rank has a
// part, updates the weights that belong to it, and gets the other weights from the other ranks after each step. Then rank 0 never
// has all moments: it saves and restores one part after the other.
extension Trainer {
    /// Whether each rank has a part of the moments.
    var isSharded: Bool { settings.optimizerShards > 1 && communicator.size > 1 }

    /// The shard of each rank, or that of a process that has all moments.
    private var shards: [OptimizerShard] {
        isSharded
            ? optimizer.shards(communicator.size) : [.whole(optimizer.parameters.map(\.parameter.value.count))]
    }

    /// All parts of all moments, the same on every rank: in the order of the moments and, within a moment, of its elements.
    private var parts: [MomentPart] {
        let shards = shards
        return optimizer.allMoments.flatMap { moment in
            shards.enumerated().compactMap { rank, shard in
                let elements = shard.elements[moment.parameter]
                return elements.isEmpty ? nil : MomentPart(moment: moment, rank: rank, elements: elements)
            }.sorted { $0.elements.lowerBound < $1.elements.lowerBound }
        }
    }

    // MARK: Steps

    /// Allocates the moments that this rank keeps, unless it has them.
    func keepOwnMoments() {
        let shard = shards[isSharded ? communicator.rank : 0]
        if optimizer.shard != shard { optimizer.keepMoments(of: shard) }
    }

    /// Sends the weights that this rank has updated to all others, and receives those that they have updated.
    func shareUpdates() throws {
        guard isSharded else { return }
        let (shards, own) = (shards, communicator.rank)
        try Profile.measure("weights of ranks") {
            var outgoing: [OutgoingMessage] = [], incoming: [IncomingMessage] = []
            for (i, parameter) in optimizer.parameters.map(\.parameter).enumerated() {
                for (rank, shard) in shards.enumerated() where !shard.elements[i].isEmpty {
                    let elements = shard.elements[i]
                    let bytes = UnsafeMutableRawBufferPointer(
                        start: parameter.value.pointer + elements.lowerBound, count: 4 * elements.count)
                    if rank == own {
                        outgoing += shards.indices.filter { $0 != own }.map { .init(to: $0, .init(bytes)) }
                    } else {
                        incoming.append(.init(from: rank, bytes))
                    }
                }
            }
            try withExtendedLifetime(optimizer) { try communicator.exchange(sending: outgoing, receiving: incoming) }
            for named in optimizer.parameters { named.parameter.didChange() }
        }
    }

    // MARK: Saves

    /// Calls `body` with the bytes of a moment, one part after the other, so that they can be saved. For rank 0.
    /// - Parameters:
    ///   - moment: one of `optimizer.allMoments`.
    ///   - body: called with neighbouring bytes.
    package func withBytes(of moment: Optimizer.Moment, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        for (index, part) in parts.enumerated() where part.moment == moment {
            let tensor: Tensor
            if part.rank == 0 {
                tensor = ownMoment(part)
            } else {
                tensor = Tensor(uninitialized: [part.elements.count])
                try announce(.save(part: index))
                try communicator.receive(tensor, from: part.rank)
            }
            try tensor.withElements { try body(UnsafeRawBufferPointer($0)) }
        }
    }

    /// What this rank keeps of a part that it owns.
    private func ownMoment(_ part: MomentPart) -> Tensor {
        guard let tensor = optimizer.tensor(of: part.moment) else {
            preconditionFailure("rank \(part.rank) has no moments of parameter \(part.moment.parameter)")
        }
        return tensor
    }

    /// Sends a part of a moment to rank 0, if this rank keeps it.
    /// - Parameter index: the index of the part.
    func givePart(_ index: Int) throws {
        let part = parts[index]
        if part.rank == communicator.rank { try communicator.send(ownMoment(part), to: 0) }
    }

    /// Restores the moments of a run that is resumed, and gives the other ranks what they keep of them. For rank 0.
    func restoreMoments() throws {
        guard let savedMoments else { return }
        for (index, part) in parts.enumerated() {
            if part.rank == 0 {
                try savedMoments(part.moment, part.elements, ownMoment(part))
            } else {
                let tensor = Tensor(uninitialized: [part.elements.count])
                try savedMoments(part.moment, part.elements, tensor)
                try announce(.restore(part: index))
                try communicator.send(tensor, to: part.rank)
            }
        }
        self.savedMoments = nil
    }

    /// Receives a part of a moment from rank 0, if this rank keeps it.
    /// - Parameter index: the index of the part.
    func takePart(_ index: Int) throws {
        let part = parts[index]
        if part.rank == communicator.rank { try communicator.receive(ownMoment(part), from: 0) }
    }
}
