import CFiles
import Platform

/// A memory-mapped file: the system reads its pages on access, and shares them between processes.
///
/// The mapping is private: a page that is written to is copied, and the file does not change.
///
/// The files of a model are replaced, never changed in place, so that the content of a mapping stays the same. If
/// another program shortens a mapped file, reading the missing part raises SIGBUS; `endWhereShortened` installs a
/// handler that names the file.
package final class MappedFile: Sendable {
    /// The path that the file was opened with.
    package let path: String

    /// The bytes of the file. They live as long as this object does: keep it alive around every use, as with
    /// `withExtendedLifetime`.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer  // never moved; written only by owners

    /// The record of this file for the handler of SIGBUS.
    private let record: Int32

    /// Maps a regular file; directories, pipes and devices are refused.
    package init(path: String) throws(FileError) {
        let (descriptor, size) = try Files.openForReading(path)
        defer { close(descriptor) }
        self.path = path
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            record = -1
            return
        }
        guard let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
        else {
            throw FileError("cannot map", path)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
        let message = FileError(
            "cannot read", path, "another program shortened it while it was in use; restore it and try again")
        record = gpt_record_mapping(start, size, message.description)
    }

    /// From now on reading the missing part of a mapped file that was shortened calls `end`, with one line that names
    /// the file. `end` may run on any thread, and must not return.
    package static func endWhereShortened(_ end: @escaping @convention(c) (UnsafePointer<CChar>?) -> Void) {
        gpt_end_on_lost_mapping(end)
    }

    /// Releases the memory of a part that is not needed again soon; on the next access it is read again. Changes to
    /// that part are lost.
    package func release(_ range: Range<Int>) {
        guard let start = bytes.baseAddress else { return }
        // Whole pages only: the first and the last page may contain other parts.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (range.lowerBound + page - 1) / page * page, end = range.upperBound / page * page
        if first < end { madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED) }
    }

    /// Releases the memory of a part of a large file, and of the 64 KB before and after it. Linux maps up to 64 KB at each page fault, so
    /// reads at random positions would otherwise use much memory.
    package func releaseSurroundings(of range: Range<Int>) {
        let block = 1 << 16
        guard bytes.count > 1 << 26 else { return }
        release(max(0, range.lowerBound - block)..<min(bytes.count, range.upperBound + block))
    }

    deinit {
        gpt_forget_mapping(record)
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
