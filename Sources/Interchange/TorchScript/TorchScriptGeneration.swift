import Models
import Tokenizers

/// Generation in TorchScript, as `Generator` and `TextGenerator` do it: with a cache, and when the context is full from the
/// last half of it.
enum TorchScriptGeneration {
    /// The methods `forward` and `generate_ids`, over those of `TorchScriptGraph`.
    /// - Parameters:
    ///   - contextLength: the most tokens that a step and its past can have together; nil for any number.
    ///   - vocabularySize: V.
    ///   - banned: the ids that are never generated.
    ///   - parameter: the name of one, which says where the model is.
    static func idMethods(
        contextLength: Int?, vocabularySize: Int, banned: [Int32], parameter: String
    ) -> String {
        let crop = contextLength.map { context in
            """
                  if len(window) > \(context):
                    window = window[-\(max(1, context / 2)):]
                    new = self.ids_of(window)
                    past = self.no_past(new)

            """
        }
        let ban =
            banned.isEmpty ? "" : "      scores[\(banned.map(Int.init))] = -inf\n"
        return """
              # Logits (B, T, \(vocabularySize)) of the tokens that follow each of the ids (B, T).
              def forward(self: __torch__.Model, ids: Tensor) -> Tensor:
                logits, past = self.step(ids, self.no_past(ids), False)
                return logits

              # Ids as (1, T), where the weights are.
              def ids_of(self: __torch__.Model, ids: List[int]) -> Tensor:
                return torch.tensor([ids], dtype=4, device=\(TorchScriptModule.expression(parameter)).device)

              # The ids of a text, at least one, and n more that continue it: the most probable ones at temperature 0, else
              # drawn with PyTorch's random numbers.
              def generate_ids(self: __torch__.Model, ids: List[int], n: int, temperature: float=0.0) -> List[int]:
                if len(ids) == 0:
                  ops.prim.RaiseException("the prompt has no ids", "builtins.ValueError")
                if min(ids) < 0 or max(ids) >= \(vocabularySize):
                  ops.prim.RaiseException("the ids are not between 0 and \(vocabularySize - 1)", "builtins.ValueError")
                if temperature < 0.0:
                  ops.prim.RaiseException("the temperature is below 0", "builtins.ValueError")
                text = list(ids)
                window = \(contextLength.map { "ids[-\($0):]" } ?? "list(ids)")
                new = self.ids_of(window)  # what the past lacks of it
                past = self.no_past(new)
                for i in range(n):
            \(crop ?? "")\
                  logits, past = self.step(new, past, True)
                  scores = logits[0, -1]
            \(ban)\
                  if temperature > 0.0:
                    chosen = torch.multinomial(torch.softmax(scores / temperature, -1), 1)
                  else:
                    chosen = torch.argmax(scores)
                  id = int(chosen)
                  text.append(id)
                  window.append(id)
                  new = self.ids_of([id])
                return text


            """
    }

    /// The method `generate`.
    /// - Parameter tokenizer: what an empty text begins with follows from it.
    static func textMethods(_ tokenizer: any Tokenizer) -> String {
        let newline = (try? tokenizer.encode("\n")) ?? []
        return """
              # A text with n tokens more; see generate_ids. An empty text is continued as after a line break.
              def generate(self: __torch__.Model, text: str, n: int, temperature: float=0.0) -> str:
                ids = self.encode(text)
                if len(ids) == 0:
                  start = \((newline.isEmpty ? [0] : newline).map(Int.init))
                  return self.decode(self.generate_ids(start, n, temperature)[len(start):])
                return self.decode(self.generate_ids(ids, n, temperature))


            """
    }
}
