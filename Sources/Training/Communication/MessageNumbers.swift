// Numbers in messages between ranks, in little-endian order.
extension UInt64 {
    /// The eight bytes of the number, the lowest first.
    package var messageBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }

    /// The number in a message.
    /// - Parameter bytes: the bytes of the number, the lowest first.
    package init(messageBytes bytes: some BidirectionalCollection<UInt8>) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
