import CKernels
import Platform
import Tensors
import Testing

/// Floats that end where memory does: the page after them can be neither read nor written, so a kernel that goes one
/// float too far ends the process rather than pass by luck.
private final class GuardedFloats {
    let start: UnsafeMutablePointer<Float>
    private let pages: UnsafeMutableRawPointer
    private let guardPage: UnsafeMutableRawPointer

    init(_ count: Int, value: Float = 0.5) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let bytes = (count * 4 + page - 1) / page * page
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, page, bytes + page) == 0, let memory else { fatalError("out of memory") }
        pages = memory
        guardPage = memory + bytes
        start = (guardPage - count * 4).bindMemory(to: Float.self, capacity: count)
        start.update(repeating: value, count: count)
        mprotect(guardPage, page, PROT_NONE)
    }

    deinit {
        mprotect(guardPage, Int(sysconf(Int32(_SC_PAGESIZE))), PROT_READ | PROT_WRITE)
        free(pages)
    }
}

/// Kernels read and write whole vectors wherever they can; these shapes end in every part of one.
@Suite("Kernels stay within their arrays")
struct MemoryBoundsTests {
    private func kernels(_ set: InstructionSet) -> gpt_execution {
        Execution(instructionSet: set, threads: 1).kernels
    }

    static let products: [(m: Int, n: Int, k: Int)] = [
        (1, 1, 1), (1, 17, 5), (5, 33, 7), (6, 64, 16), (7, 15, 31), (12, 100, 3), (13, 1, 17), (13, 65, 33),
        (14, 31, 100), (100, 47, 15), (97, 16, 16),
    ]

    /// a and b as they lie or transposed, with all that can be asked of the epilogue.
    @Test("Matrix products in 32-bit floats", arguments: products, InstructionSet.available)
    func product(shape: (m: Int, n: Int, k: Int), set: InstructionSet) { multiply(shape, set, GPT_FLOAT32) }

    @Test("Matrix products in bfloat16", arguments: products, InstructionSet.available)
    func roundedProduct(shape: (m: Int, n: Int, k: Int), set: InstructionSet) { multiply(shape, set, GPT_BFLOAT16) }

    private func multiply(_ shape: (m: Int, n: Int, k: Int), _ set: InstructionSet, _ precision: gpt_precision) {
        let (m, n, k) = shape
        let a = GuardedFloats(m * k), b = GuardedFloats(k * n), c = GuardedFloats(m * n), bias = GuardedFloats(n)
        let keptRow = precision == GPT_BFLOAT16 ? (n + 1) / 2 : n
        let before = GuardedFloats(m * keptRow), slopeAt = GuardedFloats(m * keptRow), residual = GuardedFloats(m * n)
        let factor = GuardedFloats(m * n), gatedAt = GuardedFloats(m * keptRow), dGated = GuardedFloats(m * n)
        let activated = GuardedFloats(m * n), panels = GuardedFloats(k * ((n + 63) / 64 * 64))
        let sums = GuardedFloats(n)
        for (transposesA, transposesB) in [(false, false), (true, false), (false, true), (true, true)] {
            for hasEpilogue in [false, true] {
                var product = gpt_matmul()
                (product.m, product.n, product.k) = (Int64(m), Int64(n), Int64(k))
                product.a = UnsafePointer(a.start)
                product.a_row = Int64(transposesA ? 1 : k)
                product.a_column = Int64(transposesA ? m : 1)
                product.b = UnsafePointer(b.start)
                product.b_row = Int64(transposesB ? 1 : n)
                product.b_column = Int64(transposesB ? k : 1)
                product.c = c.start
                product.c_row = Int64(n)
                product.precision = Int32(precision.rawValue)
                if hasEpilogue {
                    product.bias = UnsafePointer(bias.start)
                    product.activation = Int32(GPT_GELU.rawValue)
                    product.before = before.start
                    product.slope = Int32(GPT_GELU.rawValue)
                    product.slope_at = UnsafePointer(slopeAt.start)
                    product.activated = activated.start
                    product.factor = UnsafePointer(factor.start)
                    product.gated_at = UnsafePointer(gatedAt.start)
                    product.d_gated = dGated.start
                    product.kept_precision = product.precision
                    product.residual = UnsafePointer(residual.start)
                    if !transposesB { product.column_sums = sums.start }
                }
                gpt_matmul_run(kernels(set), &product)
                #expect(gpt_matmul_packed_size(kernels(set), &product) <= k * ((n + 63) / 64 * 64))
                gpt_matmul_pack(kernels(set), &product, panels.start)
                product.packed_b = UnsafePointer(panels.start)
                product.column_sums = nil
                gpt_matmul_run(kernels(set), &product)
                let last = c.start[m * n - 1]
                #expect(hasEpilogue ? last.isFinite : last == 0.25 * Float(k))
            }
        }
    }

    /// Few rows, with a weight in every form it can have.
    @Test("Products of few rows", arguments: products, InstructionSet.available)
    func gemvRows(shape: (m: Int, n: Int, k: Int), set: InstructionSet) {
        let (m, n, k) = shape, (K, N) = (Int64(k), Int64(n))
        let x = GuardedFloats(m * k), w = GuardedFloats(k * n), y = GuardedFloats(m * n), bias = GuardedFloats(n)
        let factor = GuardedFloats(m * n, value: 2)
        for isTransposed in [false, true] {
            for weight in [GPT_WEIGHT_FLOAT32, GPT_WEIGHT_BFLOAT16, GPT_WEIGHT_INT8] {
                let code = Int32(weight.rawValue), (row, column) = isTransposed ? (1, K) : (N, 1)
                var product = gpt_gemv()
                (product.m, product.n, product.k) = (Int64(m), N, K)
                (product.weight, product.row, product.column) = (code, row, column)
                product.x = UnsafePointer(x.start)
                product.y = y.start
                product.bias = UnsafePointer(bias.start)
                product.factor = UnsafePointer(factor.start)
                let packed = GuardedFloats((Int(gpt_packed_bytes(code, K, N)) + 3) / 4)
                if weight == GPT_WEIGHT_FLOAT32 {
                    product.w = UnsafeRawPointer(w.start)
                } else {
                    gpt_pack_weight(kernels(set), code, K, N, w.start, row, column, packed.start)
                    product.w = UnsafeRawPointer(packed.start)
                    let unpacked = GuardedFloats(k * n)
                    gpt_unpack_weight(kernels(set), code, K, N, packed.start, unpacked.start)
                    #expect(abs(unpacked.start[k * n - 1] - 0.5) < 0.01)
                }
                gpt_gemv_run(kernels(set), &product)
                #expect(abs(y.start[m * n - 1] - 2 * (0.25 * Float(k) + 0.5)) < 0.02 * Float(k))
            }
        }
    }

    static let heads: [(queries: Int, size: Int)] = [
        (1, 1), (2, 5), (3, 17), (4, 1), (4, 16), (5, 33), (24, 3), (25, 40), (33, 80),
    ]

    @Test("Attention", arguments: heads, InstructionSet.available)
    func attention(shape: (queries: Int, size: Int), set: InstructionSet) {
        let (T, size) = shape, heads = 2, C = heads * size
        let qkv = GuardedFloats(T * 3 * C), out = GuardedFloats(T * C), statistics = GuardedFloats(2 * heads * T)
        let dOut = GuardedFloats(T * C), dQKV = GuardedFloats(T * 3 * C)
        func vectors(_ x: GuardedFloats, from column: Int, width: Int) -> gpt_heads {
            gpt_heads(start: x.start + column, batch: Int64(T * width), row: Int64(width), head: Int64(size))
        }
        for (mask, precision) in [
            (GPT_MASK_CAUSAL, GPT_FLOAT32), (GPT_MASK_FULL, GPT_FLOAT32), (GPT_MASK_CAUSAL, GPT_BFLOAT16),
        ] {
            var attention = gpt_attention()
            attention.precision = Int32(precision.rawValue)
            // Probabilities that are rounded to bfloat16 do not sum to exactly 1.
            let tolerance: Float = precision == GPT_FLOAT32 ? 1e-6 : 2e-3
            (attention.batch, attention.heads, attention.queries) = (1, Int64(heads), Int64(T))
            (attention.keys, attention.size, attention.mask) = (Int64(T), Int64(size), Int32(mask.rawValue))
            attention.kv_heads = Int64(heads)
            attention.scale = 0.3
            attention.q = vectors(qkv, from: 0, width: 3 * C)
            attention.k = vectors(qkv, from: C, width: 3 * C)
            attention.v = vectors(qkv, from: 2 * C, width: 3 * C)
            attention.out = vectors(out, from: 0, width: C)
            attention.statistics = statistics.start
            gpt_attention_forward(kernels(set), &attention)
            #expect(abs(out.start[T * C - 1] - 0.5) < tolerance, "the mean of equal values")
            func gradient(from column: Int) -> gpt_heads_gradient {
                gpt_heads_gradient(at: vectors(dQKV, from: column, width: 3 * C), add: false)
            }
            gpt_attention_backward(
                kernels(set), &attention, vectors(dOut, from: 0, width: C), gradient(from: 0), gradient(from: C),
                gradient(from: 2 * C))
            #expect(dQKV.start[T * 3 * C - 1].isFinite)

            if precision == GPT_BFLOAT16 {
                // Queries, keys and values kept as words, and read from there.
                let words = GuardedFloats(heads * 3 * T * ((size + 1) / 2))
                attention.rounded = words.start
                gpt_attention_forward(kernels(set), &attention)
                let gradients = (0..<T * 3 * C).map { dQKV.start[$0] }
                (attention.q, attention.k, attention.v) = (gpt_heads(), gpt_heads(), gpt_heads())
                gpt_attention_backward(
                    kernels(set), &attention, vectors(dOut, from: 0, width: C), gradient(from: 0), gradient(from: C),
                    gradient(from: 2 * C))
                #expect((0..<T * 3 * C).map { dQKV.start[$0] } == gradients, "the same bits")
                attention.rounded = nil
                attention.q = vectors(qkv, from: 0, width: 3 * C)
            }

            // New queries over a cache that is exactly full: the keys and values lie apart, a row after another.
            let keys = GuardedFloats(T * C), values = GuardedFloats(T * C)
            attention.k = vectors(keys, from: 0, width: C)
            attention.v = vectors(values, from: 0, width: C)
            for new in [1, 2, T] where new <= T {
                attention.queries = Int64(new)
                let cached = [gpt_cached_sequence(keys: keys.start, values: values.start, past: Int64(T - new))]
                cached.withUnsafeBufferPointer {
                    attention.cached = $0.baseAddress
                    for attend in [gpt_attention_few, gpt_attention_forward] {
                        attend(kernels(set), &attention)
                        #expect(abs(out.start[new * C - 1] - 0.5) < tolerance)
                    }
                }
            }
            attention.cached = nil

            // Both heads of queries share one of keys and values.
            let key = GuardedFloats(T * size), value = GuardedFloats(T * size)
            (attention.queries, attention.kv_heads) = (Int64(T), 1)
            attention.k = vectors(key, from: 0, width: size)
            attention.v = vectors(value, from: 0, width: size)
            gpt_attention_forward(kernels(set), &attention)
            #expect(abs(out.start[T * C - 1] - 0.5) < tolerance)
            let dKey = GuardedFloats(T * size), dValue = GuardedFloats(T * size)
            gpt_attention_backward(
                kernels(set), &attention, vectors(dOut, from: 0, width: C), gradient(from: 0),
                gpt_heads_gradient(at: vectors(dKey, from: 0, width: size), add: true),
                gpt_heads_gradient(at: vectors(dValue, from: 0, width: size), add: true))
            #expect(dValue.start[T * size - 1].isFinite)
            gpt_attention_few(kernels(set), &attention)
        }
    }

    @Test("Rows", arguments: [1, 3, 15, 16, 17, 33, 64, 65, 100], InstructionSet.available)
    func rows(columns: Int, set: InstructionSet) {
        let rows = 5, count = rows * columns, (R, C) = (Int64(rows), Int64(columns))
        let x = GuardedFloats(count), y = GuardedFloats(count), dX = GuardedFloats(count)
        let gamma = GuardedFloats(columns), beta = GuardedFloats(columns), perRow = GuardedFloats(rows)
        let deviations = GuardedFloats(rows), dGamma = GuardedFloats(columns), dBeta = GuardedFloats(columns)
        gpt_layernorm_forward(
            kernels(set), R, C, 1e-5, x.start, gamma.start, beta.start, y.start, perRow.start, deviations.start)
        gpt_layernorm_backward(
            kernels(set), R, C, y.start, x.start, gamma.start, perRow.start, deviations.start, dX.start, true,
            dGamma.start, true, dBeta.start, true)
        #expect(y.start[count - 1] == 0.5)
        gpt_column_sums(kernels(set), R, C, x.start, beta.start, false)
        #expect(beta.start[columns - 1] == 2.5)
        gpt_dropout(kernels(set), R, C, 0, 1, 0, x.start, y.start, true)
        #expect(y.start[count - 1] == 1)
        gpt_add(kernels(set), Int64(count), x.start, y.start, y.start)
        #expect(y.start[count - 1] == 1.5)

        gpt_rmsnorm_forward(kernels(set), R, C, 0, x.start, gamma.start, dX.start, perRow.start)
        #expect(dX.start[count - 1] == 0.5)
        gpt_rmsnorm_backward(
            kernels(set), R, C, x.start, x.start, gamma.start, perRow.start, dX.start, false, dGamma.start, false)
        #expect(abs(dX.start[count - 1]) < 1e-6 && dGamma.start[columns - 1] == 2.5)

        // A row of a table for each of two heads; angles of cosine and sine 1/2.
        let heads = GuardedFloats(2 * count), table = GuardedFloats(count)
        if columns % 2 == 0 {
            gpt_rotary(kernels(set), R, R, 2, C, 0, nil, heads.start, table.start, false, heads.start, false)
            #expect(heads.start[2 * count - 1] == 0.5)
        }

        let ids: [Int32] = [0, 4, 4, 1, 4]
        gpt_embedding_forward(kernels(set), R, 5, C, 0, nil, ids, 1, x.start, x.start, y.start)
        gpt_embedding_backward(kernels(set), R, 5, C, 0, nil, ids, 1, y.start, dX.start, dX.start)
        #expect(y.start[count - 1] == 1)

        var losses = [Double](repeating: 0, count: rows)
        gpt_cross_entropy(
            kernels(set), R, C, y.start, [Int32](repeating: Int32(columns - 1), count: rows), &losses, 0.1, 1)
        #expect(abs(losses[4] - log(Double(columns))) < 1e-9)

        var settings = gpt_adamw(
            learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0, correction1: 0.1,
            correction2: 0.01, gradient_scale: 1)
        let m = GuardedFloats(count, value: 0), v = GuardedFloats(count, value: 0)
        gpt_adamw_update(kernels(set), &settings, Int64(count), dX.start, x.start, m.start, v.start)
        #expect(abs(m.start[count - 1] - 0.05) < 1e-6)
        #expect(abs(gpt_sum_of_squares(kernels(set), Int64(count), x.start) - 0.25 * Double(count)) < 1e-6)
    }
}
