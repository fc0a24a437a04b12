/// UTF-8 and split patterns in TorchScript.
extension TorchScriptTokenizer {
    static let bytesOfText = """
          # The bytes of a text's UTF-8.
          def bytes_of(self: __torch__.Model, text: str) -> List[int]:
            return [ord(byte) for byte in list(text)]


        """

    // Numbers are decimal, because PyTorch parses 0xE0 as a number with an exponent. `and` within `or` is in parentheses, because
    // its parser gives both the same precedence.

    static let scalarsOfBytes = """
          # The code points of valid UTF-8.
          def scalars_of(self: __torch__.Model, bytes: List[int]) -> List[int]:
            scalars = annotate(List[int], [])
            for byte in bytes:
              if byte < 128:
                scalars.append(byte)
              elif byte < 192:
                scalars[-1] = scalars[-1] * 64 + byte - 128
              elif byte < 224:
                scalars.append(byte - 192)
              elif byte < 240:
                scalars.append(byte - 224)
              else:
                scalars.append(byte - 240)
            return scalars


        """

    /// Unicode 16.0, table 3-7 and section 3.9.6.
    static let textOfBytes = """
          # The text of bytes. Those that are not valid UTF-8 become U+FFFD, one for each maximal subpart of a character.
          def text_of(self: __torch__.Model, bytes: List[int]) -> str:
            parts = annotate(List[str], [])
            i = 0
            while i < len(bytes):
              lead = bytes[i]
              following = -1
              if lead < 128:
                following = 0
              elif lead >= 194 and lead < 224:
                following = 1
              elif lead >= 224 and lead < 240:
                following = 2
              elif lead >= 240 and lead < 245:
                following = 3
              # The range of the second byte; later ones have the whole range of continuation bytes.
              lowest = 128
              highest = 191
              if lead == 224:
                lowest = 160
              elif lead == 237:
                highest = 159
              elif lead == 240:
                lowest = 144
              elif lead == 244:
                highest = 143
              end = i + 1
              while end < len(bytes) and end - i <= following and bytes[end] >= lowest and bytes[end] <= highest:
                lowest = 128
                highest = 191
                end += 1
              if end - i == following + 1:
                for byte in bytes[i:end]:
                  parts.append(chr(byte))
              else:
                parts.append("\u{FFFD}")
              i = end
            return "".join(parts)


        """

    static let noPattern = """
          # The ends of the pre-tokens, within which bytes are merged: a text is one pre-token.
          def ends_of_pretokens(self: __torch__.Model, bytes: List[int]) -> List[int]:
            return [len(bytes)]


        """

    /// The ends of pre-tokens for a pattern over the classes of `GPT2CharacterClass`, which `end_of_pretoken` implements.
    static let pretokensOfClasses = """
          # The class of a character: 0 other, 1 letter, 2 number, 3 white space.
          def class_of(self: __torch__.Model, scalar: int) -> int:
            if scalar < 128:
              return self.classes_of_ascii[scalar]
            low = 0
            high = len(self.class_starts)
            while high - low > 1:
              middle = (low + high) // 2
              if self.class_starts[middle] <= scalar:
                low = middle
              else:
                high = middle
            return self.classes[low]

          # The ends of the pre-tokens of a text, within which bytes are merged.
          def ends_of_pretokens(self: __torch__.Model, bytes: List[int]) -> List[int]:
            scalars = self.scalars_of(bytes)
            classes = [self.class_of(scalar) for scalar in scalars]
            # The ends of characters.
            ends = annotate(List[int], [])
            for i in range(1, len(bytes)):
              if bytes[i] < 128 or bytes[i] >= 192:
                ends.append(i)
            ends.append(len(bytes))
            pretokens = annotate(List[int], [])
            start = 0
            while start < len(scalars):
              start = self.end_of_pretoken(scalars, classes, start)
              pretokens.append(ends[start - 1])
            return pretokens


        """

    /// `SplitPattern.gpt2`, like `GPT2Pretokenizer`.
    static let gpt2Pattern = """
          # The end of the pre-token that begins at start, both counted in characters, by the expression
          # '(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+
          def end_of_pretoken(self: __torch__.Model, scalars: List[int], classes: List[int], start: int) -> int:
            count = len(scalars)
            first = scalars[start]
            if first == 39 and start + 1 < count:  # an apostrophe
              second = scalars[start + 1]
              if second == 115 or second == 100 or second == 109 or second == 116:  # s, d, m, t
                return start + 2
              if start + 2 < count:
                third = scalars[start + 2]
                # ll, ve, re
                if (second == 108 and third == 108) or ((second == 118 or second == 114) and third == 101):
                  return start + 3
            end = start
            if first == 32 and start + 1 < count:
              end = start + 1
            kind = classes[end]
            if kind != 3:
              while end < count and classes[end] == kind:
                end += 1
              return end
            # White space: all of it, except for its last character if something else follows.
            end = start
            while end < count and classes[end] == 3:
              end += 1
            if end < count and end - start > 1:
              end -= 1
            return end


        """

    /// `SplitPattern.cl100k`, `llama3` and `qwen2`, like `CL100KPretokenizer`.
    /// - Parameters:
    ///   - greatestNumber: the maximum number of digits of a pre-token.
    ///   - keepsTrailingWhitespace: whether white space at the end of a text is one pre-token.
    static func cl100kPattern(greatestNumber: Int, keepsTrailingWhitespace: Bool) -> String {
        """
          # The end of the pre-token that begins at start, both counted in characters, by the expression
          # '(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,\(greatestNumber)}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|
          # \(keepsTrailingWhitespace ? "\\s+$|" : "")\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+
          def end_of_pretoken(self: __torch__.Model, scalars: List[int], classes: List[int], start: int) -> int:
            count = len(scalars)
            first = scalars[start]
            if first == 39 and start + 1 < count:  # an apostrophe
              second = scalars[start + 1] | 32
              # s, d, m, t, and the long s
              if second == 115 or second == 100 or second == 109 or second == 116 or scalars[start + 1] == 383:
                return start + 2
              if start + 2 < count:
                third = scalars[start + 2] | 32
                # ll, ve, re
                if (second == 108 and third == 108) or ((second == 118 or second == 114) and third == 101):
                  return start + 3
            end = start
            if classes[start] == 2:
              while end < count and end - start < \(greatestNumber) and classes[end] == 2:
                end += 1
              return end
            if classes[start] != 1 and first != 10 and first != 13 and start + 1 < count:
              end = start + 1
            if classes[end] == 1:
              while end < count and classes[end] == 1:
                end += 1
              return end
            end = start
            if first == 32 and start + 1 < count:
              end = start + 1
            if classes[end] == 0:
              while end < count and classes[end] == 0:
                end += 1
              while end < count and (scalars[end] == 10 or scalars[end] == 13):
                end += 1
              return end
            # White space: up to its last line break, or all of it except for its last character if something follows.
            end = start
            after_lines = start
            while end < count and classes[end] == 3:
              if scalars[end] == 10 or scalars[end] == 13:
                after_lines = end + 1
              end += 1
            if after_lines > start and (end < count or \(keepsTrailingWhitespace ? "False" : "True")):
              return after_lines
            if end < count and end - start > 1:
              end -= 1
            return end


        """
    }
}
