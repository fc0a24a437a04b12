import Files
import Interchange
import TestSupport

extension FuzzSuite {
    /// Archives.
    static func archives() throws -> FuzzSuite {
        FuzzSuite("archives", "the directory of a zip archive and its entries", [try ZipTarget()])
    }
}

/// An archive is a one-line error that names it, or its entries are within it, one after the other.
private struct ZipTarget: FuzzTarget {
    let name = "zip"
    private let mutator: Mutator
    private let directory = TemporaryDirectory()

    init() throws {
        let samples = try [3, 0, 20].map { count in
            let directory = TemporaryDirectory(), path = directory.file("a")
            try AtomicFile.replace(at: path) { file in
                var writer = ZipWriter(file)
                for number in 0..<count {
                    let bytes = (0..<17 * number).map { UInt8(truncatingIfNeeded: $0) }
                    guard try writer.append(ZipEntry(name: "a/\(number)", bytes: bytes)) else {
                        throw FuzzFailure("an entry changed")
                    }
                }
                try writer.finish()
            }
            return try Fixtures.bytes(path)
        }
        // The end record of a Zip64 archive, and the Zip64 field of an entry.
        let end = ZipWriter.end(count: 3, directorySize: 1 << 33, at: 1 << 33)
        let record = ZipWriter.directoryRecord(ZipEntry(name: "a/1", size: 1 << 33, checksum: 1) { _ in }, at: 1 << 33)
        mutator = Mutator(samples, words: [end, Array(end.suffix(42)), record] + Mutator.binaryNumbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws { try directory.withFile(of: input) { try read($0, input) } }

    private func read(_ path: String, _ input: [UInt8]) throws {
        let archive: ZipArchive
        do { archive = try ZipArchive(path: path) } catch {
            try demandOneLine(error)
            return try demand("\(error)".hasPrefix(path), "the error does not name the file")
        }
        var free = 0
        for name in archive.names {
            let range = try archive.range(of: name)
            try demand(range.lowerBound >= free && range.upperBound <= input.count, "the range of an entry is invalid")
            free = range.upperBound
            do { try demand(try archive.bytes(of: name) == Array(input[range]), "the entry has other bytes") } catch let
                error as ModelError
            {
                try demandOneLine(error)
            }
        }
    }
}
