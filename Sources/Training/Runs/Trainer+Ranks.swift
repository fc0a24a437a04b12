import Tensors

/// The error of a rank whose training ends because another rank has failed, which reports the reason.
public struct OtherRankFailed: Error, CustomStringConvertible {
    public let description = "another rank has failed"

    package init() {}
}

/// What rank 0 announces.
enum Announcement {
    /// A part of a moment is sent from rank 0 to the rank that keeps it.
    case restore(part: Int)
    /// A part of a moment is sent to rank 0, which saves it.
    case save(part: Int)
    /// A step is computed. The learning rate may follow the time that has been spent on training.
    case step(seconds: Double)
    /// The training has ended.
    case end(TrainingEnd)
    /// Rank 0 has failed.
    case failure

    private static let ends: [TrainingEnd] = [.complete, .patience, .stopped]

    /// 9 bytes: what is announced, and a number.
    var bytes: [UInt8] {
        let (kind, value): (UInt8, UInt64) =
            switch self {
            case .step(let seconds): (0, seconds.bitPattern)
            case .end(let end): (1, UInt64(Self.ends.firstIndex(of: end) ?? 0))
            case .failure: (2, 0)
            case .restore(let part): (3, UInt64(part))
            case .save(let part): (4, UInt64(part))
            }
        return [kind] + value.messageBytes
    }

    init(_ bytes: [UInt8]) {
        let value = UInt64(messageBytes: bytes[1...])
        switch bytes[0] {
        case 0: self = .step(seconds: Double(bitPattern: value))
        case 1: self = .end(Self.ends[Int(value) % Self.ends.count])
        case 3: self = .restore(part: Int(value))
        case 4: self = .save(part: Int(value))
        default: self = .failure
        }
    }
}

// Training by several processes. Rank 0 decides what is done, because what it depends on (a clock, signals, files) is not the
// same for all, and announces it to the others before each step.
extension Trainer {
    /// Copies the weights and moments of rank 0 to all other ranks. If the moments are divided among the ranks, `restoreMoments`
    /// sends them later.
    func shareState() throws {
        keepOwnMoments()
        guard communicator.size > 1 else { return }
        // Rank 0 restores them for all.
        if communicator.rank > 0 { savedMoments = nil }
        (isStopRequested, isWithinStep) = (false, false)
        let parameters = optimizer.parameters.map(\.parameter)
        try communicator.broadcast(parameters.map(\.value) + (isSharded ? [] : optimizer.moments))
        for parameter in parameters { parameter.didChange() }
    }

    /// Trains on rank 0, and announces to the other ranks how it ended.
    func announcingEnd(_ lead: () throws -> TrainingEnd) throws -> TrainingEnd {
        guard communicator.size > 1 else { return try lead() }
        do {
            let end = try lead()
            try announce(.end(end))
            return end
        } catch {
            if !isWithinStep { try? announce(.failure) }
            throw error
        }
    }

    /// Announces a step to the other ranks, which then compute it too.
    func announceStep() throws {
        guard communicator.size > 1 else { return }
        if communicator.rank == 0 { try announce(.step(seconds: progress.seconds)) }
        isWithinStep = true
    }

    /// Sends an announcement to all other ranks. Only rank 0 calls this.
    func announce(_ announcement: Announcement) throws {
        // What fails from here on is not to be announced again.
        isWithinStep = true
        _ = try communicator.broadcast(announcement.bytes)
        isWithinStep = false
    }

    /// Takes part in the steps that rank 0 announces, until the end.
    /// - Parameter shouldStop: whether this process was asked to stop, which is reported to rank 0.
    func follow(shouldStop: () -> Bool) throws -> TrainingEnd {
        while true {
            switch Announcement(try communicator.broadcast(Announcement.failure.bytes)) {
            case .step(let seconds):
                progress.seconds = seconds
                _ = try step(shouldStop: shouldStop)
            case .restore(let part): try receivePart(part)
            case .save(let part): try sendPart(part)
            case .end(let end): return end
            case .failure: throw OtherRankFailed()
            }
        }
    }
}
