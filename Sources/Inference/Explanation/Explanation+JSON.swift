import Files
import Models
import StrictJSON
import Tensors

extension Explanation {
    /// The parts of the JSON form that can be large.
    package enum Detail: Sendable {
        /// The attention patterns that were kept, under the names of TransformerLens: `blocks.0.attn.hook_pattern`
        /// [head][query][key].
        case patterns
        /// The same as `patterns` {"kind", "queries", "keys", "layers": [layer][head]}, each as the base64 form of a byte
        /// round(255 sqrt(p)) for each query and key.
        case packedPatterns
        /// The residual streams that were kept, under the names of TransformerLens: `blocks.0.hook_resid_pre` [position][width].
        case hidden
    }

    /// The explanation as a JSON object.
    ///
    ///     {"model", "kind", "tokens": [..], "ids": [..], "log_probs": [null, -1.2, ..], "top": [null, [{"id", "token", "log_prob"}, ..], ..],
    ///      "logit_lens": [layer][position][k] {"id", "token", "probability"},
    ///      "heads": [{"kind", "layer", "head", "previous_token", "first_token", "induction"}, ..]}
    ///
    /// An encoder-decoder has `source_tokens`, `source_ids`, `target_tokens`, `target_ids` and `translation` instead, and its
    /// `log_probs` and `top` are those of the target. A classifier has `labels`.
    /// - Parameters:
    ///   - model: the name of the model.
    ///   - details: which large parts are included, as far as they were kept.
    package func json(model: String, including details: Set<Detail> = []) -> JSON {
        .object(JSONObject(members(model: model, details).map { ($0.name, $0.value()) }))
    }

    /// Writes the same object as a text, a member at a time, since patterns are large.
    package func write(
        model: String, including details: Set<Detail>, to write: (String) throws -> Void
    ) rethrows {
        var separator = "{"
        for member in members(model: model, details) {
            try write(separator + JSON.string(member.name).serialized() + ": " + member.value().serialized())
            separator = ",\n"
        }
        try write("}\n")
    }

    private typealias Member = (name: String, value: () -> JSON)

    private func members(model: String, _ details: Set<Detail>) -> [Member] {
        func pieces(_ tokens: [Token]) -> JSON { .array(tokens.map { .string($0.piece) }) }
        func ids(_ tokens: [Token]) -> JSON { .array(tokens.map { .int(Int($0.id)) }) }
        let prefix = kind == .translator ? "source_" : ""
        var members: [Member] = [
            ("model", { .string(model) }), ("kind", { .string(kind.rawValue) }),
            (prefix + "tokens", { pieces(tokens) }),
            (prefix + "ids", { ids(tokens) }),
        ]
        if kind == .translator {
            members += [("target_tokens", { pieces(target) }), ("target_ids", { ids(target) })]
            if let translation { members.append(("translation", { .string(translation) })) }
        }
        if kind == .classifier {
            members.append(
                (
                    "labels",
                    {
                        .array(labels.map { ["label": .string($0.label), "probability": .double($0.probability)] })
                    }
                ))
        }
        members += [
            ("log_probs", { .array(predicted.map { $0.logProbability.map(JSON.double) ?? .null }) }),
            ("top", { .array(predicted.map(top)) }), ("logit_lens", { lensJSON }),
            ("heads", { .array(heads.map(\.json)) }),
        ]
        if details.contains(.patterns) {
            members += attention.map { layer in (layer.name, { layer.map.json }) }
        }
        if details.contains(.packedPatterns) { members.append(("patterns", { packedPatterns })) }
        if details.contains(.hidden) { members += hidden.flatMap(\.members) }
        return members
    }

    private func top(_ token: Token) -> JSON {
        guard token.logProbability != nil else { return .null }
        return .array(
            token.alternatives.map {
                [
                    "id": .int(Int($0.id)), "token": .string(piece($0.id)), "log_prob": .double($0.logProbability),
                ]
            })
    }

    private var lensJSON: JSON {
        .array(
            lens.map { layer in
                .array(
                    layer.map { position in
                        .array(
                            position.map {
                                [
                                    "id": .int(Int($0.id)), "token": .string(piece($0.id)),
                                    "probability": .double($0.probability),
                                ]
                            })
                    })
            })
    }

    /// The bytes of all patterns that were kept: of an encoder-decoder an array of its three kinds, of others an object.
    private var packedPatterns: JSON {
        let kinds = AttentionKind.allCases.compactMap { kind -> JSON? in
            let layers = attention.filter { $0.kind == kind }.map(\.map)
            guard let first = layers.first else { return nil }
            return [
                "kind": .string(kind.rawValue), "queries": .int(first.queries), "keys": .int(first.keys),
                "layers": .array(
                    layers.map { map in .array((0..<map.heads).map { .string(Base64.encode(map.bytes(head: $0))) }) }),
            ]
        }
        return kinds.count == 1 ? kinds[0] : .array(kinds)
    }
}

extension HeadScores {
    fileprivate var json: JSON {
        func number(_ value: Double?) -> JSON { value.map(JSON.double) ?? .null }
        return [
            "kind": .string(kind.rawValue), "layer": .int(layer), "head": .int(head),
            "previous_token": number(previousToken), "first_token": number(firstToken), "induction": number(induction),
        ]
    }
}

extension Explanation.LayerAttention {
    /// TransformerLens' name.
    fileprivate var name: String {
        switch kind {
        case .own: "blocks.\(layer).attn.hook_pattern"
        case .encoder: "encoder.blocks.\(layer).attn.hook_pattern"
        case .decoder: "decoder.blocks.\(layer).attn.hook_pattern"
        case .cross: "decoder.blocks.\(layer).cross_attn.hook_pattern"
        }
    }
}

extension Explanation.HiddenStates {
    /// TransformerLens' names.
    fileprivate var members: [(name: String, value: () -> JSON)] {
        let prefix =
            switch network {
            case .whole: ""
            case .encoder: "encoder."
            case .decoder: "decoder."
            }
        var members = residuals.enumerated().map { number, x -> (name: String, value: () -> JSON) in
            let isLast = number == residuals.count - 1 && number > 0
            let name = isLast ? "blocks.\(number - 1).hook_resid_post" : "blocks.\(number).hook_resid_pre"
            return (prefix + name, { x.rowsJSON })
        }
        if let normalized { members.append((prefix + "ln_final.hook_normalized", { normalized.rowsJSON })) }
        return members
    }
}

extension AttentionMap {
    /// [head][query][key]
    fileprivate var json: JSON {
        .array(
            (0..<heads).map { head in
                .array(
                    (0..<queries).map { query in
                        .array((0..<keys).map { .float(Float(self[head, query, $0])) })
                    })
            })
    }

    /// The probabilities of a head as bytes round(255 sqrt(p)), row by row. The square root shows small probabilities.
    package func bytes(head: Int) -> [UInt8] {
        probabilities[head * queries * keys..<(head + 1) * queries * keys].map {
            UInt8((255 * $0.squareRoot()).rounded())
        }
    }
}

extension Tensor {
    /// [row][column]
    fileprivate var rowsJSON: JSON {
        let columns = shape.columns
        return withElements { elements in
            .array(
                (0..<shape.rows).map { row in
                    .array(elements[row * columns..<(row + 1) * columns].map(JSON.float))
                })
        }
    }
}
