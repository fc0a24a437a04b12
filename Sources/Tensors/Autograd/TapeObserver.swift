/// Receives every op that a tape applies, for example to build a graph of a model.
package protocol TapeObserver: AnyObject {
    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable)
}
