import Platform

// System calls that are repeated after a signal interrupted them. They are free functions, because in types with
// methods called `read` and `write` the system's functions would be hidden.

/// Reads at most `buffer.count` bytes: 0 at the end, negative with `errno` set on failure.
func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 || errno != EINTR { return count }
    }
}

/// Writes some of `bytes`, at `offset` or at the current position; not positive with `errno` set on failure.
func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) -> Int {
    let length = min(bytes.count, 1 << 30)  // systems refuse or truncate writes of 2 GB and more
    while true {
        let count =
            if let offset {
                pwrite(descriptor, bytes.baseAddress, length, off_t(offset))
            } else {
                write(descriptor, bytes.baseAddress, length)
            }
        if count >= 0 || errno != EINTR { return count }
    }
}
