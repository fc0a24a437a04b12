#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How much memory a training takes, so that one that cannot succeed is refused before it begins. In floating point,
/// because the shapes people ask for by mistake have more parameters than an Int can count.
public struct MemoryEstimate: Sendable {
    /// Numbers that training sets.
    public let parameters: Double
    /// Of weights, their gradients and two moments, and of what the forward pass keeps for the backward pass.
    public let bytes: Double

    /// The memory for training with `settings` on a vocabulary of `vocabularySize`.
    public init(_ settings: TrainingSettings, vocabularySize: Int) {
        let shape = settings.shape
        let (V, C, T) = (Double(vocabularySize), Double(shape.width), Double(shape.context))
        let tokens = Double(settings.batch) * T
        let logits = min(tokens * V, max(V, 0x1p24))
        let perToken: Double
        switch shape.kind {
        case .ngram: (parameters, perToken) = (0, 0)
        case .bigram: (parameters, perToken) = (V * V, 3 * V)
        case .attention:
            parameters = 2 * V * C + T * C + 4 * C * C + 4 * C
            perToken = 10 * C
        case .gpt:
            let layers = Double(shape.layers)
            parameters = (V + T) * C + layers * (12 * C * C + 13 * C) + 2 * C
            // Of each block: two norms, q, k, v, the mix of the heads, four times C before and after the activation, and
            // two branches and sums; dropout keeps two more.
            perToken = layers * (settings.dropout > 0 ? 20 : 18) * C + 8 * C
        }
        bytes = 4 * (4 * parameters + tokens * perToken + logits)
    }

    /// Throws where this machine has not that much memory.
    public func check() throws {
        if bytes > Self.available {
            throw TrainingError.tooLarge(needed: bytes, available: Self.available, parameters: parameters)
        }
    }

    /// The memory this process may use: that of the machine, or what its container or `ulimit -v` leaves of it.
    static var available: Double {
        var available = Double(max(0, sysconf(Int32(_SC_PHYS_PAGES)))) * Double(max(0, sysconf(Int32(_SC_PAGESIZE))))
        if available == 0 { available = .infinity }
        var limit = rlimit()
        #if canImport(Glibc)
            let addressSpace = __rlimit_resource_t(UInt32(RLIMIT_AS.rawValue))
        #else
            let addressSpace = RLIMIT_AS
        #endif
        if getrlimit(addressSpace, &limit) == 0 { available = min(available, Double(limit.rlim_cur)) }
        #if os(Linux)
            for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
                guard let file = fopen(path, "r") else { continue }
                defer { fclose(file) }
                var line = [CChar](repeating: 0, count: 64)
                guard fgets(&line, Int32(line.count), file) != nil else { continue }
                let bytes = line.prefix { $0 >= 48 && $0 <= 57 }.reduce(0.0) { $0 * 10 + Double($1 - 48) }
                if bytes > 0 { available = min(available, bytes) }
            }
        #endif
        return available
    }
}
