import Tensors

/// The computation graph of a model as TorchScript code, with a line for each node.
struct TorchScriptGraph {
    private let graph: Graph
    /// The expression for each value in the code.
    private var expressions: [Graph.ValueID: String] = [:]

    /// - Parameter graph: a graph with GELU as a node: of a language model with a cache, or of an encoder.
    init(_ graph: Graph) {
        self.graph = graph
        for parameter in graph.parameters {
            expressions[parameter.value] = TorchScriptModule.expression(parameter.name)
        }
        for (number, input) in graph.inputs.enumerated() {
            expressions[input.value] = Self.arguments[input.name] ?? "past[\(number - 1)]"
        }
        for id in graph.values.indices {
            guard case .constant(let numbers) = graph[id].origin else { continue }
            let shape = graph[id].shape.map(\.number)
            expressions[id] = shape.isEmpty ? "\(numbers[0])" : Self.vector(numbers, shape: shape)
        }
    }

    /// The arguments of a method by the names of the inputs; all other inputs are the past.
    private static let arguments = ["input_ids": "ids", "token_type_ids": "types", "attention_mask": "mask"]

    /// The method `step(ids, past, last_only) -> (logits, past)` and those that it uses.
    func methods() -> String {
        var code = Self(graph)
        return code.body() + code.noPast() + Self.causalMask
    }

    // MARK: - An encoder

    /// The method `forward(input_ids, attention_mask, token_type_ids)` of an encoder, whose result is the output of the graph or a
    /// tuple of all.
    func encoderMethod() -> String {
        var code = Self(graph)
        let lines = code.lines { _ in [] }, outputs = graph.outputs.map { code.expression($0.value) }
        let result = outputs.joined(separator: ", "), types = outputs.map { _ in "Tensor" }.joined(separator: ", ")
        return """
              # \(graph.outputs.map(\.name).joined(separator: " and ")) of sequences of the ids (B, T). The mask (B, T) is 0 for padding, and \
            1 by
              # default; the types of the ids (B, T) are 0 by default.
              def forward(self: __torch__.Model, input_ids: Tensor, attention_mask: Optional[Tensor]=None, token_type_ids: Optional[Tensor]=None) -> \
            \(outputs.count == 1 ? types : "Tuple[\(types)]"):
                ids = input_ids
                if torch.__isnot__(attention_mask, None):
                  mask = unchecked_cast(Tensor, attention_mask)
                else:
                  mask = torch.ones_like(ids)
                if torch.__isnot__(token_type_ids, None):
                  types = unchecked_cast(Tensor, token_type_ids)
                else:
                  types = torch.zeros_like(ids)
            \(lines.map { "    \($0)\n" }.joined())\
                return \(outputs.count == 1 ? result : "(\(result))")


            """
    }

    /// A line for each node, and those before it.
    private mutating func lines(before: (Graph.Node) -> [String]) -> [String] {
        graph.nodes.flatMap { node -> [String] in
            let others = before(node)
            for output in node.outputs { expressions[output] = "x\(output)" }
            return others + ["\(node.outputs.map(expression).joined(separator: ", ")) = \(call(node))"]
        }
    }

    // MARK: - Step

    private mutating func body() -> String {
        let logits = graph.outputs[0].value
        var lines = lines { node in
            // Generation needs the logits of the last position only, and those of all would be the largest matrix.
            guard node.outputs == [logits], node.primitive == .matmul else { return [] }
            let x = "x\(node.inputs[0])"
            return ["if last_only:", "  \(x) = \(x)[:, -1:]"]
        }
        let present = graph.outputs.dropFirst().map { expression($0.value) }.joined(separator: ", ")
        lines.append("present = annotate(List[Tensor], [\(present)])")
        lines.append("return \(expression(logits)), present")
        return """
              # The logits (B, T, V) of the token after each of the ids (B, T), or (B, 1, V) of that after the last, and the past of
              # the next step: the keys and values (B, heads, S, size) of each layer, for all tokens so far.
              def step(self: __torch__.Model, ids: Tensor, past: List[Tensor], last_only: bool) -> Tuple[Tensor, List[Tensor]]:
            \(lines.map { "    \($0)\n" }.joined())

            """
    }

    private func expression(_ id: Graph.ValueID) -> String { expressions[id] ?? "x\(id)" }

    private func call(_ node: Graph.Node) -> String {
        let x = node.inputs.first.map(expression) ?? ""
        func function(_ name: String, _ rest: String...) -> String {
            "torch.\(name)(\((node.inputs.map(expression) + rest).joined(separator: ", ")))"
        }
        // In PyTorch the first operand must be a tensor; the second may be a number.
        func operation(_ name: String) -> String {
            "torch.\(name)(\(tensor(node.inputs[0])), \(expression(node.inputs[1])))"
        }
        switch node.primitive {
        case .add: return operation("add")
        case .subtract: return operation("sub")
        case .multiply: return operation("mul")
        case .divide: return operation("div")
        case .maximum: return "torch.maximum(\(tensor(node.inputs[0])), \(tensor(node.inputs[1])))"
        case .exp: return function("exp")
        case .log: return function("log")
        case .tanh: return function("tanh")
        case .erf: return function("erf")
        case .squareRoot: return function("sqrt")
        case .sine: return function("sin")
        case .cosine: return function("cos")
        case .toFloat: return function("to", "6")
        case .positions: return "torch.arange(\(pastLength), \(pastLength) + ids.shape[1], dtype=4, device=ids.device)"
        case .matmul: return function("matmul")
        case .sumAlongLastAxis: return function("sum", "[-1]", "True")
        case .maximumAlongLastAxis: return function("amax", "[-1]", "True")
        case .causalMask: return "self.causal_mask(\(x))"
        case .gather: return function("embedding")
        case .firstPositions: return function("select", "1", "0")
        case .transpose(let axes): return function("permute", "\(axes)")
        case .reshape(let kept, let rest):
            let shape = (0..<kept).map { "\(x).shape[\($0)]" } + rest.map(String.init)
            return function("reshape", "[\(shape.joined(separator: ", "))]")
        case .insertDimension(let axis): return function("unsqueeze", "\(axis)")
        case .split(let lengths): return function("split_with_sizes", "\(lengths)", "-1")
        case .concatenate(let axis):
            return "torch.cat([\(node.inputs.map(expression).joined(separator: ", "))], \(axis))"
        case .softmax: return function("softmax", "-1")
        case .layerNorm(let epsilon):
            let parts = node.inputs.map(expression)
            let width = graph[node.inputs[0]].shape.last?.number ?? 1
            return "torch.layer_norm(\(parts[0]), [\(width)], \(parts[1]), \(parts[2]), \(epsilon))"
        case .gelu: return function("gelu", "approximate=\"tanh\"")
        }
    }

    /// The expression for a value as a tensor, even if it is a number.
    private func tensor(_ id: Graph.ValueID) -> String {
        guard case .constant = graph[id].origin, graph[id].shape.isEmpty else { return expression(id) }
        return "torch.tensor(\(expression(id)), dtype=6, device=ids.device)"
    }

    /// The expression for the number of tokens in the past.
    private var pastLength: String {
        for input in graph.inputs {
            if let axis = graph[input.value].shape.firstIndex(of: .past) {
                return "\(expression(input.value)).shape[\(axis)]"
            }
        }
        return "0"
    }

    private static func vector(_ numbers: [Double], shape: [Int]) -> String {
        let row = "torch.tensor([\(numbers.map { "\($0)" }.joined(separator: ", "))], dtype=6, device=ids.device)"
        return shape.count == 1 ? row : "torch.reshape(\(row), \(shape))"
    }

    // MARK: - The empty past

    private func noPast() -> String {
        let past = graph.inputs.dropFirst().map { input in
            let shape = graph[input.value].shape.map { dimension in
                switch dimension {
                case .number(let number): "\(number)"
                case .batch: "ids.shape[0]"
                case .symbol: "0"
                }
            }
            return "torch.zeros([\(shape.joined(separator: ", "))], dtype=6, device=ids.device)"
        }
        return """
              # The empty past of the first step, for sequences of the ids (B, T).
              def no_past(self: __torch__.Model, ids: Tensor) -> List[Tensor]:
                return annotate(List[Tensor], [\(past.joined(separator: ", "))])


            """
    }

    private static let causalMask = """
          # The scores (..., T, S), with -1e30, whose exponential is 0, for every key after the query.
          def causal_mask(self: __torch__.Model, scores: Tensor) -> Tensor:
            queries = scores.shape[-2]
            keys = scores.shape[-1]
            if queries == 1:
              return scores
            visible = torch.tril(torch.ones([queries, keys], dtype=11, device=scores.device), keys - queries)
            return torch.masked_fill(scores, torch.logical_not(visible), -1e30)


        """
}
