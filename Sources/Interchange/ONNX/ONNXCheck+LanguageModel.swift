import Models
import Tensors

extension ONNXCheck {
    /// The check of a language model.
    /// - Parameters:
    ///   - model: the model that was exported.
    ///   - graph: its graph.
    ///   - hasCache: whether the graph has a cache.
    ///   - path: the path of the file in errors.
    package init(_ model: any NeuralLanguageModel, _ graph: Graph, hasCache: Bool, path: String) {
        self.init(graph, path: path) { interpreter in
            var largest: Float = 0
            for (batch, length) in [(2, 3), (1, 7)] {
                let ids = (0..<batch * length).map { Int32(($0 * 7919 + 13) % model.vocabularySize) }
                let tokens = TokenBatch(batch: batch, length: length, ids: ids)
                largest = max(largest, try Self.compare(interpreter, model, tokens, hasCache: hasCache))
            }
            return largest
        }
    }

    /// Compares the logits of the graph with those of the model. With a cache, the graph runs on all tokens but the last two at
    /// once, and then on each of those.
    private static func compare(
        _ interpreter: ONNXInterpreter, _ model: any NeuralLanguageModel, _ tokens: TokenBatch, hasCache: Bool
    ) throws -> Float {
        var largest: Float = 0
        let length = min(tokens.length, model.contextLength ?? .max), V = model.vocabularySize
        let tokens = tokens.columns(0..<length)
        let expected = model.logits(tokens)
        let single = hasCache ? min(2, length - 1) : 0
        var past = interpreter.emptyPast(batch: tokens.batch)
        for columns in [0..<length - single] + (0..<single).map({ length - single + $0..<length - single + $0 + 1 }) {
            let ids = tokens.columns(columns).ids.map(Int.init)
            let outputs = try interpreter.run(
                past.merging(["input_ids": .integers(ids, shape: [tokens.batch, columns.count])]) { $1 })
            let logits = try interpreter.floats("logits", in: outputs, shape: [tokens.batch, columns.count, V])
            largest = max(
                largest,
                try difference(
                    logits, expected.columns(columns, of: length),
                    "logits for \(tokens.batch) sequences of \(length) tokens"))
            past = [:]
            for (name, array) in outputs where name.hasPrefix("present.") {
                past["past_key_values." + name.dropFirst("present.".count)] = array
            }
        }
        return largest
    }
}

extension ONNXInterpreter {
    /// An empty past for each input that is part of the cache.
    package func emptyPast(batch: Int) -> [String: Array] {
        var past: [String: Array] = [:]
        for input in model.inputs where input.shape.contains(.past) {
            let shape = input.shape.map { length -> Int in
                switch length {
                case .number(let number): min(max(0, number), 1 << 20)
                case .batch: batch
                default: 0
                }
            }
            past[input.name] = .floats(Tensor(Shape(shape)))
        }
        return past
    }
}

extension TokenBatch {
    /// Some tokens of each sequence.
    fileprivate func columns(_ range: Range<Int>) -> TokenBatch {
        let ids = (0..<batch).flatMap { self.ids[$0 * length + range.lowerBound..<$0 * length + range.upperBound] }
        return TokenBatch(batch: batch, length: range.count, ids: ids)
    }
}

extension Tensor {
    /// Some positions of each of several sequences: (B, T, V) to (B, range, V).
    fileprivate func columns(_ range: Range<Int>, of length: Int) -> Tensor {
        if range.count == length { return self }
        let (B, T, V) = shape.three, part = Tensor(uninitialized: [B, range.count, V])
        withElements { all in
            part.withElements { part in
                for b in 0..<B {
                    let start = (b * T + range.lowerBound) * V, count = range.count * V
                    _ = part[b * count..<(b + 1) * count].update(fromContentsOf: all[start..<start + count])
                }
            }
        }
        return part
    }
}
