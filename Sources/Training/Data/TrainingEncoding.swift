import Corpus
import Files
import Inference
import Interchange
import Models
import Tensors
import Tokenizers

/// How the texts of a training become tokens.
struct TrainingEncoding {
    let tokenizer: any Tokenizer
    /// How special tokens that a text spells are encoded.
    var special = SpecialTokenTreatment.text
    /// Whether several texts are the documents of one text.
    var joinsTexts = false
    /// The token that marks the end of a document; nil if the vocabulary has none.
    var end: Int32?
    /// How conversations become tokens; nil if there are none.
    var conversations: ChatFormat?

    init(_ tokenizer: any Tokenizer) {
        self.tokenizer = tokenizer
        end = tokenizer.endOfText
    }

    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - settings: those of the training.
    ///   - description: that of the model that the training starts from, or of the resumed run; nil for random weights.
    ///   - conversations: how conversations become tokens.
    init(
        _ tokenizer: any Tokenizer, _ settings: TrainingSettings, _ description: ModelDescription?,
        conversations: ChatFormat?
    ) {
        self.init(tokenizer)
        special = settings.specialTokens
        joinsTexts = settings.joinsTexts
        end = (description?.roles ?? TokenRoles()).documentEnd(of: tokenizer)
        self.conversations = conversations
    }

    /// Whether each id is that of a special token.
    var isSpecial: [Bool] {
        var isSpecial = [Bool](repeating: false, count: tokenizer.vocabularySize)
        for id in tokenizer.specialTokenIDs { isSpecial[Int(id)] = true }
        return isSpecial
    }

    /// - Throws: `TrainingError` if texts were encoded with another tokenizer.
    func requireTokenizer(of directory: TokenDirectory) throws {
        let path = directory.path + "/" + TokenizerFile.name
        let other = try TokenizerFile.tokenizer(from: try TextFile.bytes(path), file: path)
        guard other.vocabularySize == directory.vocabularySize,
            try TokenizerFile.contents(for: other) == TokenizerFile.contents(for: tokenizer)
        else {
            throw TrainingError.setting(
                "\(directory.path) was encoded with another tokenizer (\(other.kind), \(other.vocabularySize) tokens) than "
                    + "that of the model (\(tokenizer.kind), \(tokenizer.vocabularySize) tokens); encode the texts again with "
                    + "the tokenizer of the model")
        }
    }

    // MARK: Encoding

    /// The texts as they are encoded. Without a token that ends documents nothing would separate joined ones.
    func arranged(_ texts: [NamedText]) -> [NamedText] { joinsTexts && end != nil ? NamedText.joined(texts) : texts }

    /// The ids of a part of a text, which begins at the character numbered `position`. Each document in it begins with the
    /// template of the tokenizer and ends with the end token.
    func ids(of part: Substring.UnicodeScalarView, at position: Int, in text: NamedText) throws -> [Int32] {
        guard let lengths = text.documentLengths else {
            return try ids(of: part, at: position, in: text, called: text.name)
        }
        guard let end else { throw noEnd(text.name) }
        let partEnd = position + part.count
        var ids: [Int32] = [], start = 0, rest = part
        for (number, length) in lengths.enumerated() {
            defer { start += length }
            let (lower, upper) = (max(start, position), min(start + length, partEnd))
            guard lower < upper else { continue }
            let document = rest.prefix(upper - lower)
            rest = rest[document.endIndex...]
            ids += tokenizer.template.before
            let name = text.documentNames?[number]
            ids += try self.ids(
                of: document, at: name == nil ? lower : lower - start, in: text, called: name ?? text.name)
            if upper == start + length { ids.append(end) }
        }
        return ids
    }

    /// The error for documents whose ends cannot be marked.
    func noEnd(_ name: String) -> TrainingError {
        .setting(
            "\(name): the tokenizer (\(tokenizer.kind)) has no \(endOfTextSpelling) to mark the ends of documents; choose "
                + "another tokenizer")
    }

    /// The ids of consecutive characters.
    /// - Parameters:
    ///   - part: the characters.
    ///   - position: the number of the first in the text or the document.
    ///   - text: the text.
    ///   - name: the name of the text or the document.
    private func ids(
        of part: Substring.UnicodeScalarView, at position: Int, in text: NamedText, called name: String
    ) throws -> [Int32] {
        func offset() -> Int {
            let bytes = text.text.utf8
            let first = text.text.unicodeScalars.index(part.startIndex, offsetBy: -position)
            return bytes.distance(from: first, to: part.startIndex)
        }
        return try ids(
            of: String(part), at: position, byte: offset(), called: name, concurrently: Execution.parallelLoop)
    }

    /// The ids of consecutive characters.
    /// - Parameters:
    ///   - content: the characters.
    ///   - position: the number of the first in the text or the document.
    ///   - offset: the number of its first byte there.
    ///   - name: the name of the text or the document.
    ///   - loop: encodes parts concurrently; nil for one thread.
    func ids(
        of content: String, at position: Int, byte offset: @autoclosure () -> Int, called name: String,
        concurrently loop: ParallelLoop?
    ) throws -> [Int32] {
        do {
            if special == .refuse, let token = tokenizer.firstSpecialToken(in: content),
                let range = content.utf8.firstRange(of: token.text.utf8)
            {
                // Characters and bytes have no rule of their own for special tokens.
                let position = content.utf8.distance(from: content.startIndex, to: range.lowerBound)
                throw TokenizerError.specialToken(token.text, position: position)
            }
            if special == .text || tokenizer.firstSpecialToken(in: content) == nil {
                return try tokenizer.encodeOrdinary(content, replacing: nil, concurrently: loop)
            }
            return try tokenizer.encode(content, special: special.policy)
        } catch TokenizerError.unknownCharacter(let character, let place, let alphabet) {
            throw TrainingError.unknownCharacter(
                character, name: name, position: position + place, alphabet: alphabet)
        } catch TokenizerError.specialToken(let token, let place) {
            throw TrainingError.setting(
                "\(name): \(TokenizerError.specialToken(token, position: offset() + place))")
        }
    }

    // MARK: Cutting

    /// The index at which a text is cut: `index`, or the beginning of the special token around it, which stays whole.
    func cut(_ text: String, at index: String.Index) -> String.Index {
        guard special != .text else { return index }
        var best = index
        for token in tokenizer.specialTokens {
            let spelling = Array(token.text.utf8), bytes = text.utf8
            let reach = spelling.count - 1
            guard reach > 0 else { continue }
            let start = bytes.index(index, offsetBy: -reach, limitedBy: bytes.startIndex) ?? bytes.startIndex
            let end = bytes.index(index, offsetBy: reach, limitedBy: bytes.endIndex) ?? bytes.endIndex
            if let found = bytes[start..<end].firstRange(of: spelling), found.lowerBound < best {
                best = found.lowerBound
            }
        }
        return best
    }
}
