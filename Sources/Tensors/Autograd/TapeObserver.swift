/// Receives every op that a tape applies, for example to build a graph of a model.
package protocol TapeObserver: AnyObject {
    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable)

    /// Called with the residual stream of a model: after the embeddings, and after each block.
    func didReach(residual: Variable)
}

extension TapeObserver {
    package func didReach(residual: Variable) {}
}
