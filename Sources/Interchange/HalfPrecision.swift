/// The nearest half-precision number (IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction), of two equally near
/// the even one; a number beyond the greatest becomes infinite. Swift's own `Float16` is not available on every processor.
@inline(__always)
package func half(_ x: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: x.bitPattern >> 16) & 0x8000
    let magnitude = x.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }  // 65536 and more
    if magnitude < 0x3880_0000 {
        // Below 2^-14 the fraction counts steps of 2^-24.
        return sign | UInt16((Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven))
    }
    // A carry out of the fraction raises the exponent, as it should.
    let rounded = magnitude &+ 0x0FFF &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 112 << 23) >> 13)
}

/// The nearest bfloat16, of two equally near the even one.
@inline(__always)
func bfloat(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

/// The value of a half-precision number, computed without a branch so that loops over many are vectorized.
///
/// Exponent and fraction, moved to where a float has them, give a number that is too small by a factor of 2^112, also below
/// the smallest normal number.
@inline(__always)
func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let moved = UInt32(bits & 0x7FFF) << 13
    let isFinite = bits & 0x7C00 != 0x7C00
    let finite = (Float(bitPattern: moved) * 0x1p112).bitPattern
    return Float(bitPattern: sign | (isFinite ? finite : moved | 0x7F80_0000))
}

/// The value of a bfloat16, which is the upper half of a float.
@inline(__always)
func float(bfloat bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
