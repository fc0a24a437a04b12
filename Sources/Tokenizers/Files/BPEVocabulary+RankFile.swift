extension BPEVocabulary {
    /// The vocabulary in a `.tiktoken` file: a line for each token, with its bytes in base64 (RFC 4648, section 4), a space and
    /// its rank, which is its id. Some ids may be unused.
    /// - Parameters:
    ///   - contents: the contents of the file.
    ///   - file: its name in errors.
    /// - Throws: `TokenizerError.unreadable` if the file is invalid, or lacks the token of a byte.
    public init(tiktoken contents: [UInt8], file: String = "the vocabulary") throws(TokenizerError) {
        var reader = RankFileReader(file: file)
        let result = contents.withUnsafeBufferPointer { contents in
            Result { () throws(TokenizerError) in try reader.read(contents) }
        }
        try result.get()
        do {
            try self.init(bytes: reader.bytes, spans: reader.spans, ids: reader.ids, merges: nil)
        } catch .vocabulary(let reason) {
            throw .unreadable(file: file, reason: reason)
        }
    }
}

private struct RankFileReader {
    let file: String
    var bytes: [UInt8] = []
    var spans: [Range<Int>] = []
    var ids: [Int32] = []

    init(file: String) { self.file = file }

    mutating func read(_ contents: UnsafeBufferPointer<UInt8>) throws(TokenizerError) {
        bytes.reserveCapacity(contents.count / 2)
        var position = 0
        var line = 1
        while position < contents.count {
            if contents[position] == UInt8(ascii: "\n") {  // an empty line, such as the last one
                position += 1
                line += 1
                continue
            }
            let start = bytes.count
            guard let space = decodeBase64(contents, from: position) else {
                throw failure(line, "expected bytes in base64")
            }
            guard space < contents.count, contents[space] == UInt8(ascii: " "), bytes.count > start else {
                throw failure(line, "expected bytes in base64, a space and a number")
            }
            position = space + 1
            var id = 0
            let digits = position
            while position < contents.count, contents[position] &- UInt8(ascii: "0") < 10 {
                id = id &* 10 &+ Int(contents[position] &- UInt8(ascii: "0"))
                position += 1
                guard position - digits <= 10 else { throw failure(line, "the rank is too large") }
            }
            guard position > digits else { throw failure(line, "expected a number after the space") }
            guard id < BPEVocabulary.greatestIDCount else { throw failure(line, "the rank \(id) is too large") }
            if position < contents.count, contents[position] == UInt8(ascii: "\r") { position += 1 }
            guard position == contents.count || contents[position] == UInt8(ascii: "\n") else {
                throw failure(line, "expected the end of the line after the rank")
            }
            spans.append(start..<bytes.count)
            ids.append(Int32(id))
        }
    }

    /// Appends the bytes of the base64 at `start` to `bytes`. Returns its end; `nil` if it is invalid.
    private mutating func decodeBase64(_ contents: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        var position = start
        while position + 4 <= contents.count {
            let first = Self.values[Int(contents[position])]
            let second = Self.values[Int(contents[position + 1])]
            let third = Self.values[Int(contents[position + 2])]
            let fourth = Self.values[Int(contents[position + 3])]
            if (first | second | third | fourth) & 0x80 == 0 {
                bytes.append(first << 2 | second >> 4)
                bytes.append(second << 4 | third >> 2)
                bytes.append(third << 6 | fourth)
                position += 4
                continue
            }
            // The end, or a last group with one or two padding characters, whose unused bits must be zero.
            if contents[position] == UInt8(ascii: " ") { return position }
            let padding = UInt8(ascii: "=")
            guard first | second < 0x80, contents[position + 3] == padding else { return nil }
            bytes.append(first << 2 | second >> 4)
            if contents[position + 2] == padding { return second & 15 == 0 ? position + 4 : nil }
            guard third < 0x80, third & 3 == 0 else { return nil }
            bytes.append(second << 4 | third >> 2)
            return position + 4
        }
        return position
    }

    /// The six bits that a byte represents in base64, 0x80 if it is not part of the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0x80, count: 256)
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    private func failure(_ line: Int, _ reason: String) -> TokenizerError {
        .unreadable(file: file, reason: "line \(line): \(reason)")
    }
}
