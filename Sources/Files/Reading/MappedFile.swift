import CFiles
import Platform

/// A whole file as memory that the system reads when it is looked at, and shares between processes.
///
/// What is written to the memory stays in this process: a page is copied when it is first written to.
///
/// The files of a model are replaced, never changed in place, so that a mapping stays what it was. Where another program
/// shortens a file that is mapped, the system sends SIGBUS to whoever reads the missing part; `endWhereShortened` installs a
/// handler that names the file.
package final class MappedFile: Sendable {
    /// The path the file was opened by.
    package let path: String

    /// The bytes of the file. They live as long as this object does: keep it alive around every use, as with
    /// `withExtendedLifetime`.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer  // never moved; written by owners alone

    /// Where the handler of SIGBUS finds this file.
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

    /// From now on the process ends through `end` where a mapped file has become shorter and the missing part is read. `end`
    /// takes one line that names the file, may run on any thread, and must not return.
    package static func endWhereShortened(_ end: @escaping @convention(c) (UnsafePointer<CChar>?) -> Void) {
        gpt_end_on_lost_mapping(end)
    }

    /// Gives the memory of a part back that has been read and is not needed again soon; looked at again, it is read again.
    /// Nothing in that part may have been written to: it would be as in the file.
    package func release(_ range: Range<Int>) {
        guard let start = bytes.baseAddress else { return }
        // Whole pages only, for on the others neighbours are.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (range.lowerBound + page - 1) / page * page, end = range.upperBound / page * page
        if first < end { madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED) }
    }

    deinit {
        gpt_forget_mapping(record)
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
