import Platform
import Synchronization
import Tensors
import TestSupport

/// `KernelVectors FILE`: the ops of the catalogue with inputs, and what their references make of them, for a program
/// that runs the kernels where there is no Swift. See `Scripts/check-arm64`.
@main enum KernelVectors {
    static func main() {
        guard CommandLine.arguments.count == 2 else { fail("usage: KernelVectors FILE", status: 64) }
        let path = CommandLine.arguments[1]
        let makers =
            Catalogue.samples.map { sample in { @Sendable in VectorCase(of: sample) } } + KernelCases.all
        let cases = Mutex([VectorCase?](repeating: nil, count: makers.count))
        Execution().forEach(below: makers.count) { i in
            let made = makers[i]()
            cases.withLock { $0[i] = made }
        }
        var file = VectorFile()
        for made in cases.withLock({ $0 }) { made.map { file.append($0) } }
        guard file.write(to: path) else { fail("\(path): cannot be written; choose another file") }
        print("\(makers.count) cases, \(file.bytes.count / 1_000_000) MB in \(path)")
    }

    private static func fail(_ message: String, status: Int32 = 1) -> Never {
        let line = Array((message + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(status)
    }
}
