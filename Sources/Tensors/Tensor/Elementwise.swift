import CKernels

/// Arithmetic on whole tensors, which no tape records.
package enum Elementwise {
    /// out = a + b; `out` may be one of them.
    package static func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        gpt_add(Execution.kernels, Int64(out.count), a.pointer, b.pointer, out.pointer)
    }
}
