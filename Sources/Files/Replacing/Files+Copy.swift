import CFiles
import Platform

extension Files {
    /// Copies the file at `path` to the new file `name`, atomically. Links are followed.
    ///
    /// If the file system supports it, the copy shares its blocks with the original until one of the two changes, which
    /// needs no time and no space.
    package static func copy(_ path: String, to name: String) throws {
        #if canImport(Darwin)
            // Under the lock of the registry, so that no file is added to a directory that is being removed.
            if CleanupRegistry.update({ _ in clonefile(path, name, 0) == 0 }) { return }
        #endif
        let (source, size) = try openForReading(path)
        defer { close(source) }
        try AtomicFile.replace(at: name) { writer in
            switch gpt_copy_in_kernel(source, writer.descriptor) {
            case 0: break
            case -1: try copy(source, path, to: writer)
            case let code: throw FileError("cannot write", name, code: code)
            }
            var information = stat()
            guard fstat(writer.descriptor, &information) == 0 else { throw FileError("cannot write", name) }
            guard max(Int(information.st_size), writer.position) == size else {
                throw FileError("cannot copy", path, "another program changed its size during the copy; try again")
            }
        }
    }

    /// Copies in chunks, through memory.
    private static func copy(_ source: Int32, _ path: String, to writer: FileWriter) throws(FileError) {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(source, $0) }
            if count < 0 { throw FileError("cannot read", path) }
            if count == 0 { return }
            let result = chunk.withUnsafeBytes { bytes in
                Result { () throws(FileError) in
                    try writer.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                }
            }
            try result.get()
        }
    }
}
