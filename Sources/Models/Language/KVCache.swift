import Layers

/// The keys and values of all layers for the tokens so far.
public final class KVCache {
    package let layers: [LayerCache]
    package let batch: Int
    /// The number of positions that are filled.
    public package(set) var length = 0

    package init(batch: Int, capacity: Int, width: Int, layers: Int) {
        self.batch = batch
        self.layers = (0..<layers).map { _ in LayerCache(batch: batch, capacity: capacity, width: width) }
    }

    public func clear() {
        length = 0
        for layer in layers { layer.clear() }
    }
}
