/// How the pieces of words become a text (Hugging Face's decoder `WordPiece`).
public struct WordPieceDecoding: Sendable, Hashable {
    /// The prefix of pieces that continue a word. It is removed; before every other piece but the first there is a space.
    public var prefix: String

    /// Whether spaces before punctuation and within English contractions are removed, as far as one piece contains them with
    /// the space before it.
    public var cleansUp: Bool

    /// A decoding with this prefix.
    public init(prefix: String = "##", cleansUp: Bool = true) {
        self.prefix = prefix
        self.cleansUp = cleansUp
    }

    /// What `cleansUp` replaces, in this order.
    private static let replacements: [(old: [UInt8], new: [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

    /// The bytes of a piece in a text.
    func bytes(of piece: some Collection<UInt8>, isFirst: Bool) -> [UInt8] {
        var bytes: [UInt8]
        if isFirst {
            bytes = Array(piece)
        } else if piece.starts(with: prefix.utf8) {
            bytes = Array(piece.dropFirst(prefix.utf8.count))
        } else {
            bytes = [0x20] + piece
        }
        guard cleansUp else { return bytes }
        for (old, new) in Self.replacements { Self.replace(old, by: new, in: &bytes) }
        return bytes
    }

    private static func replace(_ old: [UInt8], by new: [UInt8], in bytes: inout [UInt8]) {
        var result: [UInt8] = []
        var copied = 0
        var position = 0
        while position + old.count <= bytes.count {
            if bytes[position] == old[0], bytes[position...].starts(with: old) {
                result += bytes[copied..<position] + new
                position += old.count
                copied = position
            } else {
                position += 1
            }
        }
        if copied > 0 { bytes = result + bytes[copied...] }
    }
}
