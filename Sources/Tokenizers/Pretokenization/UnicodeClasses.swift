/// The class of every code point, found with two memory accesses: code points are grouped into pages of 256, and all pages
/// that consist of one class only are stored once.
///
/// The classes are those of Unicode 16.0, as in tiktoken and Hugging Face's tokenizers. The standard library may have another
/// version, with other classes for the characters that were added in between.
final class UnicodeClasses: Sendable {
    /// The only instance, which all pretokenizers share.
    static let shared = UnicodeClasses()

    // The memory of both pointers is written by the initializer alone.

    /// For each page the start of its classes in `classes`.
    nonisolated(unsafe) let pages: UnsafePointer<UInt16>
    /// The classes of each stored page; the first is page 0, which contains ASCII.
    nonisolated(unsafe) let classes: UnsafePointer<UInt8>

    private init() {
        var pages: [UInt16] = []
        var classes: [UInt8] = []
        var uniform = [UInt16?](repeating: nil, count: 256)
        var change = 0
        var current: UInt8 = 0
        for page in 0..<UInt32(0x1100) {
            let isUniform =
                change == unicodeClassChanges.count || unicodeClassChanges[change] >> 3 >= (page + 1) << 8
            if isUniform, let other = uniform[Int(current)] {
                pages.append(other)
                continue
            }
            let start = UInt16(classes.count >> 8)
            if isUniform { uniform[Int(current)] = start }
            pages.append(start)
            for point in page << 8..<(page + 1) << 8 {
                if change < unicodeClassChanges.count, unicodeClassChanges[change] >> 3 == point {
                    current = 1 << UInt8(unicodeClassChanges[change] & 7)
                    change += 1
                }
                classes.append(current)
            }
        }
        self.pages = UnsafePointer(copied(pages))
        self.classes = UnsafePointer(copied(classes))
    }

    deinit {
        pages.deallocate()
        classes.deallocate()
    }

    @inline(__always)
    func callAsFunction(_ point: UInt32) -> CharacterClass {
        CharacterClass(rawValue: classes[Int(pages[Int(point >> 8)]) << 8 | Int(point & 0xFF)])
    }
}

/// A copy of an array's elements in memory that the caller deallocates.
func copied<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    elements.withUnsafeBufferPointer { elements in
        if let start = elements.baseAddress { copy.initialize(from: start, count: elements.count) }
    }
    return copy
}
