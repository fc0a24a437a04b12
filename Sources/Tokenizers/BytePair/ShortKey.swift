/// Up to sixteen bytes as two integers, padded with zeros.
struct ShortKey: Equatable {
    var low: UInt64
    var high: UInt64

    /// No bytes.
    init() {
        low = 0
        high = 0
    }

    /// Compares both halves at once, which saves a branch.
    @inline(__always)
    static func == (left: Self, right: Self) -> Bool { (left.low ^ right.low) | (left.high ^ right.high) == 0 }

    /// The first `length` bytes at `start`, 1 to 15. Sixteen must be readable.
    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, _ length: Int) {
        // No shift is by 64 bits or more, so none needs a check.
        low = unalignedWord(start) & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* min(length, 8)))
        high =
            unalignedWord(start + 8)
            & ((UInt64.max >> 8) &>> UInt64(truncatingIfNeeded: 56 &- 8 &* max(length &- 8, 0)))
    }
}

/// The eight bytes at `start` as an integer, the first in the lowest bits.
@inline(__always)
func unalignedWord(_ start: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
}

/// A hash of two integers, each bit of which depends on all of theirs: the exclusive or of the halves of their product, after
/// a constant was mixed into each (wyhash, Wang Yi, 2019).
@inline(__always)
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
    return product.high ^ product.low
}
