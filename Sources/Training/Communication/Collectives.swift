import Tensors

// What all ranks do together, made of messages. They do the same in the same order, whatever carries the messages.
extension Communicator {
    /// Replaces bytes by those of rank 0, along a binomial tree: log2(size) messages one after the other.
    /// - Parameter bytes: as long on every rank.
    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer) throws {
        guard size > 1, !bytes.isEmpty else { return }
        // In round k, the ranks below 2^k have the bytes, and each sends them to the rank 2^k above it.
        var distance = 1
        while distance < size {
            if rank < distance {
                if rank + distance < size {
                    try exchange(sending: [.init(to: rank + distance, .init(bytes))], receiving: [])
                }
            } else if rank < 2 * distance {
                try exchange(sending: [], receiving: [.init(from: rank - distance, bytes)])
            }
            distance *= 2
        }
    }

    /// Replaces the contents of tensors by those of rank 0.
    /// - Parameter tensors: of the same shapes on every rank.
    package func broadcast(_ tensors: [Tensor]) throws {
        for tensor in tensors { try tensor.withElements { try broadcast(UnsafeMutableRawBufferPointer($0)) } }
    }

    /// Sends the elements of a tensor to another rank, which receives them.
    /// - Parameters:
    ///   - tensor: what is sent.
    ///   - rank: who receives it.
    package func send(_ tensor: Tensor, to rank: Int) throws {
        try tensor.withElements {
            try exchange(sending: [.init(to: rank, UnsafeRawBufferPointer($0))], receiving: [])
        }
    }

    /// Receives the elements of a tensor from another rank, which sends them.
    /// - Parameters:
    ///   - tensor: its elements are replaced. It has as many as are sent.
    ///   - rank: who sends them.
    package func receive(_ tensor: Tensor, from rank: Int) throws {
        try tensor.withElements {
            try exchange(sending: [], receiving: [.init(from: rank, UnsafeMutableRawBufferPointer($0))])
        }
    }

    /// Returns what rank 0 gives.
    /// - Parameter bytes: what rank 0 gives; what other ranks give has no effect, except that it is as long.
    package func broadcast(_ bytes: [UInt8]) throws -> [UInt8] {
        var bytes = bytes
        try bytes.withUnsafeMutableBytes { try broadcast($0) }
        return bytes
    }

    /// Returns what each rank gives, in the order of the ranks.
    /// - Parameters:
    ///   - bytes: what this rank gives.
    ///   - lengths: the number of bytes that each rank gives.
    package func gather(_ bytes: [UInt8], lengths: [Int]) throws -> [[UInt8]] {
        precondition(lengths.count == size && bytes.count == lengths[rank], "what a rank gives has another length")
        guard size > 1 else { return [bytes] }
        // One buffer for all, because the address of an array in an array is not stable.
        let starts = lengths.indices.map { lengths[..<$0].reduce(0, +) }
        var all = [UInt8](repeating: 0, count: lengths.reduce(0, +))
        let others = (0..<size).filter { $0 != rank }
        try all.withUnsafeMutableBytes { all in
            try bytes.withUnsafeBytes { own in
                let outgoing = own.isEmpty ? [] : others.map { OutgoingMessage(to: $0, own) }
                let incoming = others.filter { lengths[$0] > 0 }.map {
                    IncomingMessage(
                        from: $0, UnsafeMutableRawBufferPointer(rebasing: all[starts[$0]..<starts[$0] + lengths[$0]]))
                }
                try exchange(sending: outgoing, receiving: incoming)
            }
        }
        return (0..<size).map { $0 == rank ? bytes : Array(all[starts[$0]..<starts[$0] + lengths[$0]]) }
    }

    /// Returns what each rank gives, in the order of the ranks.
    /// - Parameter bytes: what this rank gives, of any length.
    package func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        let length = UInt64(bytes.count).messageBytes
        let lengths = try gather(length, lengths: Array(repeating: length.count, count: size)).map {
            Int(UInt64(messageBytes: $0))
        }
        return try gather(bytes, lengths: lengths)
    }

    /// Returns when all ranks have called this function.
    package func wait() throws { _ = try gather([0], lengths: Array(repeating: 1, count: size)) }
}
