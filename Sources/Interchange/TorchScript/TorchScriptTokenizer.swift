import Tokenizers

/// A tokenizer in TorchScript: the methods `encode(text) -> List[int]` and `decode(ids) -> str`, and the tables that they use.
///
/// A string in TorchScript is a sequence of bytes: `list(text)` has an element for each, and `chr` returns one. There is no
/// support for Unicode or regular expressions, so UTF-8 is decoded and patterns are implemented by hand. Special tokens in a
/// text are plain text, as in prompts.
enum TorchScriptTokenizer {
    /// Adds a tokenizer to a module if it is supported: characters, bytes, and byte pairs without the split pattern of o200k and
    /// without normalization.
    /// - Returns: whether it was added.
    static func add(_ tokenizer: any Tokenizer, to module: inout TorchScriptModule) -> Bool {
        switch tokenizer.form {
        case .characters(let tokenizer): add(tokenizer, to: &module)
        case .bytes: module.methods += bytesOfText + textOfBytes + encodingBytes
        case .bytePairs(let tokenizer):
            guard tokenizer.pattern != .o200k, tokenizer.normalization == .none else { return false }
            add(tokenizer, to: &module)
        case .wordPiece, .other: return false
        }
        return true
    }

    // MARK: Characters

    private static func add(_ tokenizer: CharacterTokenizer, to module: inout TorchScriptModule) {
        module.set("characters", .strings(tokenizer.alphabet.map { String($0) }))
        module.set(
            "id_of_scalar",
            .integersByInteger(tokenizer.alphabet.enumerated().map { (Int($1.value), $0) }))
        module.methods +=
            bytesOfText + scalarsOfBytes + """
                  # The ids of a text, one for each character.
                  def encode(self: __torch__.Model, text: str) -> List[int]:
                    ids = annotate(List[int], [])
                    for scalar in self.scalars_of(self.bytes_of(text)):
                      id = self.id_of_scalar.get(scalar, -1)
                      if id < 0:
                        problem = "the character " + hex(scalar) + " at position " + str(len(ids))
                        problem += " is not in the alphabet of " + str(len(self.characters)) + " characters"
                        ops.prim.RaiseException(problem, "builtins.ValueError")
                      ids.append(id)
                    return ids

                  # The text of ids. An id that is not a character is ignored.
                  def decode(self: __torch__.Model, ids: List[int]) -> str:
                    parts = annotate(List[str], [])
                    for id in ids:
                      if id >= 0 and id < len(self.characters):
                        parts.append(self.characters[id])
                    return "".join(parts)


                """
    }

    // MARK: Bytes

    private static let encodingBytes = """
          # The ids of a text: the bytes of its UTF-8.
          def encode(self: __torch__.Model, text: str) -> List[int]:
            return self.bytes_of(text)

          # The text of ids. An id that is not a byte is ignored.
          def decode(self: __torch__.Model, ids: List[int]) -> str:
            bytes = annotate(List[int], [])
            for id in ids:
              if id >= 0 and id < 256:
                bytes.append(id)
            return self.text_of(bytes)


        """

    // MARK: Byte pairs

    private static func add(_ tokenizer: BPETokenizer, to module: inout TorchScriptModule) {
        let vocabulary = tokenizer.vocabulary
        let tokens = (0..<Int32(tokenizer.vocabularySize)).map { id in
            let own = vocabulary.bytes(of: id)
            return own.isEmpty ? tokenizer.bytes(of: id) : own
        }
        module.set("tokens", .strings(tokens.map(latin1)))
        module.set("byte_ids", .integers(vocabulary.byteIDs.map(Int.init)))
        // Ids that are not part of decoded text, although merging could produce them.
        let ignored = tokens.indices.filter { !tokens[$0].isEmpty && tokenizer.bytes(of: Int32($0)).isEmpty }
        module.set("ignored_ids", .integers(ignored))
        module.methods += bytesOfText + textOfBytes + scalarsOfBytes

        let needsIDs = vocabulary.mergesByRank || tokenizer.ignoresMerges
        if needsIDs {
            let ids = (0..<Int32(vocabulary.idCount)).filter { !vocabulary.bytes(of: $0).isEmpty }
            module.set("id_of_token", .integersByString(ids.map { (latin1(vocabulary.bytes(of: $0)), Int($0)) }))
        }
        if vocabulary.mergesByRank {
            module.methods += rankByBytes
        } else {
            let merges = vocabulary.merges, size = tokens.count
            module.set(
                "ranks",
                .integersByInteger(merges.enumerated().map { (Int($1.left) * size + Int($1.right), $0) }))
            module.set("merged", .integers(merges.map { Int($0.result) }))
            module.methods += rankByPairs
        }
        module.methods += merging
        if tokenizer.pattern != .whole {
            let changes = GPT2CharacterClass.changes
            module.set("class_starts", .integers(changes.map(\.point)))
            module.set("classes", .integers(changes.map(\.class.rawValue)))
            let ascii = (0..<128).map { point in changes.last { $0.point <= point }?.class.rawValue ?? 0 }
            module.set("classes_of_ascii", .integers(ascii))
            module.methods += pretokensOfClasses
        }
        switch tokenizer.pattern {
        case .gpt2: module.methods += gpt2Pattern
        case .cl100k: module.methods += cl100kPattern(greatestNumber: 3, keepsTrailingWhitespace: true)
        case .llama3: module.methods += cl100kPattern(greatestNumber: 3, keepsTrailingWhitespace: false)
        case .qwen2: module.methods += cl100kPattern(greatestNumber: 1, keepsTrailingWhitespace: false)
        case .whole, .o200k: module.methods += noPattern
        }
        module.methods += encodingPairs(ignoresMerges: tokenizer.ignoresMerges, prefixSpace: tokenizer.prefixSpace)
    }

    /// Bytes as a string that is valid Unicode: each byte is the character with its code point.
    private static func latin1(_ bytes: [UInt8]) -> String {
        var string = ""
        for byte in bytes { string.unicodeScalars.append(Unicode.Scalar(byte)) }
        return string
    }

    private static let rankByPairs = """
          # The rank of merging two adjacent tokens; the pair with the lowest rank is merged first.
          def rank(self: __torch__.Model, left: int, right: int) -> int:
            return self.ranks.get(left * len(self.tokens) + right, len(self.merged))

          # The token that the merge with a rank produces.
          def merged_by(self: __torch__.Model, rank: int) -> int:
            return self.merged[rank]

          # The rank of a pair that does not merge.
          def no_rank(self: __torch__.Model) -> int:
            return len(self.merged)


        """

    private static let rankByBytes = """
          # The rank of merging two adjacent tokens, which is the id of their concatenation; the pair with the lowest rank is
          # merged first.
          def rank(self: __torch__.Model, left: int, right: int) -> int:
            return self.id_of_token.get(self.tokens[left] + self.tokens[right], len(self.tokens))

          # The token that the merge with a rank produces.
          def merged_by(self: __torch__.Model, rank: int) -> int:
            return rank

          # The rank of a pair that does not merge.
          def no_rank(self: __torch__.Model) -> int:
            return len(self.tokens)


        """

    private static let merging = """
          # Merges the pair with the lowest rank, the leftmost first, until no pair merges.
          def merge(self: __torch__.Model, ids: List[int]) -> List[int]:
            no_rank = self.no_rank()
            ranks = annotate(List[int], [])
            for i in range(len(ids) - 1):
              ranks.append(self.rank(ids[i], ids[i + 1]))
            while len(ranks) > 0:
              best = min(ranks)
              if best == no_rank:
                return ids
              i = ranks.index(best)
              ids[i] = self.merged_by(best)
              ids.pop(i + 1)
              ranks.pop(i)
              if i > 0:
                ranks[i - 1] = self.rank(ids[i - 1], ids[i])
              if i < len(ranks):
                ranks[i] = self.rank(ids[i], ids[i + 1])
            return ids


        """

    private static func encodingPairs(ignoresMerges: Bool, prefixSpace: BPETokenizer.PrefixSpace) -> String {
        let textPrefix = """
                if len(bytes) > 0 and bytes[0] != 32:
                  bytes = [32] + bytes

            """
        let pretokenPrefix = """
                  if len(piece) > 0 and piece[0] != 32:
                    piece = [32] + piece

            """
        let pretokenIsToken = """
                  pretoken = "".join([self.tokens[self.byte_ids[byte]] for byte in piece])
                  whole = self.id_of_token.get(pretoken, -1)
                  if whole >= 0:
                    part = [whole]

            """
        return """
              # The ids of a text, which is split into pre-tokens, within which bytes are merged.
              def encode(self: __torch__.Model, text: str) -> List[int]:
                bytes = self.bytes_of(text)
            \(prefixSpace == .texts ? textPrefix : "")\
                ids = annotate(List[int], [])
                start = 0
                for end in self.ends_of_pretokens(bytes):
                  piece = bytes[start:end]
            \(prefixSpace == .pretokens ? pretokenPrefix : "")\
                  part = [self.byte_ids[byte] for byte in piece]
                  whole = -1
            \(ignoresMerges ? pretokenIsToken : "")\
                  if whole < 0:
                    part = self.merge(part)
                  ids.extend(part)
                  start = end
                return ids

              # The text of ids. An id without text is ignored, and bytes that are not valid UTF-8 become U+FFFD.
              def decode(self: __torch__.Model, ids: List[int]) -> str:
                bytes = annotate(List[int], [])
                for id in ids:
                  if id >= 0 and id < len(self.tokens) and not (id in self.ignored_ids):
                    # In a token, each byte is the character with its code point.
                    bytes.extend(self.scalars_of(self.bytes_of(self.tokens[id])))
                return self.text_of(bytes)


            """
    }
}
