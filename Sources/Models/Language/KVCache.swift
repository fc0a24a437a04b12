import Layers
import Tensors

/// The keys and values of all layers for the tokens so far of each sequence of a batch.
public final class KVCache {
    package private(set) var layers: [LayerCache]
    /// The number of positions of each sequence that are filled.
    package private(set) var lengths: [Int]

    package init(batch: Int, capacity: Int, width: Int, layers: Int) {
        self.layers = (0..<layers).map { _ in LayerCache(batch: batch, capacity: capacity, width: width) }
        lengths = [Int](repeating: 0, count: batch)
    }

    /// One batch of the sequences of several caches, without a copy. After new positions are appended to the batch, `advance`
    /// must be called on each of these caches.
    package init(joining caches: [KVCache]) {
        layers = caches[0].layers.indices.map { layer in LayerCache(joining: caches.map { $0.layers[layer] }) }
        lengths = caches.flatMap(\.lengths)
    }

    /// Copies of the first positions of each sequence.
    package init(copying other: KVCache, length: Int) {
        layers = other.layers.map { LayerCache(copying: $0, length: length) }
        lengths = other.lengths.map { _ in length }
    }

    /// B, the number of sequences.
    package var batch: Int { lengths.count }

    /// The number of positions of the longest sequence.
    public var length: Int { lengths.max() ?? 0 }

    /// The positions of the next token of each sequence.
    package var next: StartPositions { StartPositions(lengths) }

    /// Counts T new positions of each sequence, which the layers have appended.
    package func advance(by count: Int) { for b in lengths.indices { lengths[b] += count } }

    /// Replaces the sequences: the new sequence i continues the old sequence `origins[i]`.
    package func select(_ origins: [Int]) {
        for i in layers.indices { layers[i].select(origins) }
        lengths = origins.map { lengths[$0] }
    }

    public func clear() {
        for b in lengths.indices { lengths[b] = 0 }
        for layer in layers { layer.clear() }
    }
}
