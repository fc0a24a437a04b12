import Tensors

/// Runs kernels on the calling thread only.
package func onOneThread<Result>(
    _ set: InstructionSet = Execution.preferred, _ body: () throws -> Result
) rethrows -> Result {
    try Execution.$current.withValue(Execution(instructionSet: set, threads: 1), operation: body)
}

/// Runs kernels on a number of threads.
package func onThreads<Result>(_ threads: Int, _ body: () throws -> Result) rethrows -> Result {
    try Execution.$current.withValue(
        Execution(instructionSet: Execution.preferred, threads: threads), operation: body)
}
