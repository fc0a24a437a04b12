import Tensors
import TestSupport

/// An op and its parameters, under the names that the driver knows.
struct OpDescription {
    var vector: VectorCase

    init(_ sample: Sample) {
        func begin(_ kind: String) -> VectorCase { VectorCase(kind, title: sample.title, name: sample.name) }
        switch sample.subject {
        case .loss(let loss as CrossEntropy):
            vector = begin("cross_entropy")
            vector.add("targets", .words(loss.targets))
            vector.add("classifier", loss.hasClassifier)
            vector.add("bias", loss.hasBias)
            vector.add("smoothing", Double(loss.smoothing))
            vector.add("chunk_elements", loss.chunkElements)
        case .operation(is Add): vector = begin("add")
        case .operation(let op as Embedding):
            vector = begin("embedding")
            describe(op, V: sample.inputs[0].shape.rows)
        case .operation(let op as SelectRows):
            vector = begin("select_rows")
            vector.add("rows", .words(op.rows))
        case .operation(let op as Activate):
            vector = begin("activate")
            vector.add("activation", Int(op.activation.code))
        case .operation(let op as Linear):
            vector = begin("linear")
            vector.add("bias", op.hasBias)
            vector.add("residual", op.hasResidual)
            vector.add("transposed", op.isTransposed)
        case .operation(let op as FeedForward):
            vector = begin("feed_forward")
            vector.add("activation", Int(op.activation.code))
            vector.add("bias", op.hasBias)
            vector.add("residual", op.hasResidual)
            vector.add("transposed", op.isTransposed)
            vector.add("chunk_elements", op.chunkElements)
        case .operation(let op as GatedFeedForward):
            vector = begin("gated_feed_forward")
            vector.add("bias", op.hasBias)
            vector.add("residual", op.hasResidual)
            vector.add("chunk_elements", op.chunkElements)
        case .operation(let op as RMSNorm):
            vector = begin("rms_norm")
            vector.add("epsilon", Double(op.epsilon))
        case .operation(let op as LayerNorm):
            vector = begin("layer_norm")
            vector.add("epsilon", Double(op.epsilon))
        case .operation(let op as Rotary):
            vector = begin("rotary")
            vector.add("size", op.table.width)
            vector.add("offset", op.start.offset)
            vector.add("table", op.table.rows(op.start.highest + sample.inputs[0].shape[1]).values)
        case .operation(let op as Attention):
            vector = begin("attention")
            describe(op)
        case .operation(let op as Dropout):
            vector = begin("dropout")
            vector.add("rate", Double(op.rate))
            vector.add("key", .integers([Int64(bitPattern: op.key)]))
        case .operation(let op):
            fatalError("add the parameters of \(type(of: op)) to OpDescription, and the op to the driver")
        case .loss(let loss):
            fatalError("add the parameters of \(type(of: loss)) to OpDescription, and the loss to the driver")
        }
    }

    private mutating func describe(_ op: Embedding, V: Int) {
        vector.add("ids", .words(op.ids.ids))
        vector.add("length", op.ids.length)
        vector.add("offset", op.start.offset)
        vector.add("scale", Double(op.scale))
        vector.add("positions", op.hasPositions)
        if let rows = op.rowPositions { vector.add("row_positions", .words(rows)) }
        if let sinusoids = op.sinusoids {
            vector.add("sinusoids", sinusoids.rows(op.start.highest + op.ids.length).values)
        }
    }

    private mutating func describe(_ op: Attention) {
        vector.add("heads", op.heads)
        vector.add("kv_heads", op.keyValueHeads)
        vector.add("causal", op.mask == .causal)
        if let queries = op.queryLengths, let keys = op.keyLengths {
            vector.add("query_starts", .integers(queries.starts))
            vector.add("key_starts", .integers(keys.starts))
            vector.add("longest_query", queries.longest)
            vector.add("longest_key", keys.longest)
        }
        if let slopes = op.slopes { vector.add("slopes", slopes) }
    }
}
