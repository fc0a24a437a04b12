import Models
import Tokenizers

/// Generation in TorchScript, like that of `Generator` and `TextGenerator`: with a cache, and with the last half of the context
/// when it is full.
enum TorchScriptGeneration {
    /// The methods `forward` and `generate_ids`, over those of `TorchScriptGraph`.
    /// - Parameters:
    ///   - contextLength: the maximum number of tokens of a step and its past together; nil for any number.
    ///   - vocabularySize: V.
    ///   - ends: the ids after which generation stops.
    ///   - banned: the ids that are never generated.
    ///   - parameter: the name of a parameter, whose device is used.
    static func idMethods(
        contextLength: Int?, vocabularySize: Int, ends: [Int32], banned: [Int32], parameter: String
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
        let end =
            ends.isEmpty
            ? ""
            : """
                  if id in \(ends.map(Int.init)):
                    return text

            """
        return """
              # The logits (B, T, \(vocabularySize)) of the token after each of the ids (B, T).
              def forward(self: __torch__.Model, ids: Tensor) -> Tensor:
                logits, past = self.step(ids, self.no_past(ids), False)
                return logits

              # The ids as (1, T), on the device of the weights.
              def ids_of(self: __torch__.Model, ids: List[int]) -> Tensor:
                return torch.tensor([ids], dtype=4, device=\(TorchScriptModule.expression(parameter)).device)

              # The ids, at least one, followed by n generated ones, or fewer if one of them ends the text: the most probable at
              # temperature 0, otherwise sampled with PyTorch's random numbers.
              def generate_ids(self: __torch__.Model, ids: List[int], n: int, temperature: float=0.0) -> List[int]:
                if len(ids) == 0:
                  ops.prim.RaiseException("the prompt has no ids", "builtins.ValueError")
                if min(ids) < 0 or max(ids) >= \(vocabularySize):
                  ops.prim.RaiseException("the ids are not between 0 and \(vocabularySize - 1)", "builtins.ValueError")
                if temperature < 0.0:
                  ops.prim.RaiseException("the temperature is below 0", "builtins.ValueError")
                text = list(ids)
                window = \(contextLength.map { "ids[-\($0):]" } ?? "list(ids)")
                new = self.ids_of(window)  # the ids that are not in the past
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
            \(end)\
                  window.append(id)
                  new = self.ids_of([id])
                return text


            """
    }

    /// The method `generate`.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - roles: the token before a text.
    static func textMethods(_ tokenizer: any Tokenizer, _ roles: TokenRoles) -> String {
        let template = tokenizer.template
        func list(_ ids: [Int32]) -> String { "\(ids.map(Int.init))" }
        let ids = [
            template.before.isEmpty ? nil : list(template.before), "self.encode(text)",
            template.after.isEmpty ? nil : list(template.after),
        ].compactMap { $0 }.joined(separator: " + ")
        return """
              # The text followed by n generated tokens, or fewer if one of them ends it; see generate_ids. An empty text is
              # continued from the token that begins a text, or else like a line break.
              def generate(self: __torch__.Model, text: str, n: int, temperature: float=0.0) -> str:
                ids = \(ids)
                if len(text) == 0:
                  start = \(list(roles.start(for: tokenizer)))
                  return self.decode(self.generate_ids(start, n, temperature)[len(start):])
                return self.decode(self.generate_ids(ids, n, temperature))


            """
    }
}
