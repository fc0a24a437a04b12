import CKernels
import Platform
import Synchronization

/// The instruction set of the kernels. All compute the same results up to rounding. With one instruction set the
/// results are the same bits every time, on any number of threads.
public enum InstructionSet: String, CaseIterable, Sendable {
    case scalar, avx2, avx512
    /// AVX-512 with dot products of bfloat16.
    case avx512bf16
    case neon
    /// NEON with dot products of bfloat16.
    case neonbf16
    /// Apple's Accelerate for products of 32-bit floats, and the fastest other set for everything else. Accelerate
    /// guarantees no order of summation: results are the same bits within one release of the system only.
    case accelerate

    /// The sets that this machine supports, slowest first.
    public static let available = allCases.filter { $0 == .accelerate ? gpt_has_blas() : gpt_supports($0.code) }

    /// The same for the C kernels.
    fileprivate var code: Int32 {
        switch self {
        case .scalar: Int32(GPT_SCALAR.rawValue)
        case .avx2: Int32(GPT_AVX2.rawValue)
        case .avx512: Int32(GPT_AVX512.rawValue)
        case .avx512bf16: Int32(GPT_AVX512_BFLOAT16.rawValue)
        case .neon: Int32(GPT_NEON.rawValue)
        case .neonbf16: Int32(GPT_NEON_BFLOAT16.rawValue)
        case .accelerate: Self.fastestKernels
        }
    }

    private static let fastestKernels =
        allCases.filter { $0 != .accelerate }.map(\.code).last { gpt_supports($0) } ?? scalar.code
}

/// How kernels run: the instruction set, the number of threads, the precision of matrix products, and the format in
/// which generation reads weights. None of it is part of a model, so it is bound to the task rather than passed along:
///
/// ```swift
/// Execution.$current.withValue(Execution(threads: 1)) { ... }
/// ```
public struct Execution: Sendable, Equatable {
    public var instructionSet: InstructionSet
    public var threads: Int
    /// The precision of matrix products in training and evaluation.
    public var precision: Precision
    /// The format in which generation reads weights.
    public var weightFormat: WeightFormat
    /// Which of the two products of generation is used, and with it the order in which products are summed.
    package var rowProducts = RowProducts.byCount

    /// - Parameters:
    ///   - instructionSet: by default the fastest of the machine, or the one that the environment variable
    ///     `GPT_KERNELS` names.
    ///   - threads: from 1 to 255; by default the number of physical cores.
    ///   - precision: of matrix products in training and evaluation.
    ///   - weightFormat: of the weights that generation reads.
    public init(
        instructionSet: InstructionSet = Self.preferred, threads: Int = Self.physicalCores,
        precision: Precision = .float32, weightFormat: WeightFormat = .float32
    ) {
        self.instructionSet = instructionSet
        self.threads = max(1, min(threads, 255))
        self.precision = precision
        self.weightFormat = weightFormat
    }

    /// An execution that uses a model with weights of one format throughout: in generation, and in evaluation with
    /// products in the corresponding precision.
    public init(threads: Int = Self.physicalCores, weights format: WeightFormat) {
        self.init(threads: threads, precision: format.productPrecision ?? .float32, weightFormat: format)
    }

    @TaskLocal public static var current = Execution()

    /// Runs `body` with matrix products in another precision, and everything else unchanged.
    package static func with<Result>(_ precision: Precision, _ body: () throws -> Result) rethrows -> Result {
        var execution = current
        execution.precision = precision
        return try $current.withValue(execution, operation: body)
    }

    /// Runs `body` with weights in another format throughout, as `init(threads:weights:)`, and everything else
    /// unchanged.
    package static func with<Result>(weights format: WeightFormat, _ body: () throws -> Result) rethrows -> Result {
        var execution = current
        execution.precision = format.productPrecision ?? .float32
        execution.weightFormat = format
        return try $current.withValue(execution, operation: body)
    }

    /// Runs `body` with one of the two products of generation, and everything else unchanged.
    package static func with<Result>(_ rowProducts: RowProducts, _ body: () throws -> Result) rethrows -> Result {
        var execution = current
        execution.rowProducts = rowProducts
        return try $current.withValue(execution, operation: body)
    }

    /// The fastest instruction set of the machine, or the one that `GPT_KERNELS` names if the machine supports it.
    public static let preferred: InstructionSet = {
        let fastest = InstructionSet.available.last ?? .scalar
        guard let wanted = getenv("GPT_KERNELS").map({ String(cString: $0) }) else { return fastest }
        return InstructionSet.available.first { $0.rawValue == wanted } ?? fastest
    }()

    /// An error message of one line, if `GPT_KERNELS` names an instruction set that the machine does not support.
    public static var complaint: String? {
        guard let wanted = getenv("GPT_KERNELS").map({ String(cString: $0) }), wanted != preferred.rawValue else {
            return nil
        }
        let names = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        return "GPT_KERNELS is '\(wanted)', which this machine cannot run; choose one of \(names)"
    }

    /// The number of physical cores that this process may use: a second hardware thread on a core does not multiply any
    /// faster. A container's quota of processor time limits the number.
    public static let physicalCores: Int = min(cores, quota ?? .max)

    private static var cores: Int {
        let online = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #if os(Linux)
            let allowed = line(of: "/proc/self/status", startingWith: "Cpus_allowed_list:").map(processors(in:)) ?? []
            let usable = allowed.isEmpty ? Array(0..<online) : allowed
            var cores = Set<String>()
            for processor in usable {
                let path = "/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list"
                guard let siblings = line(of: path, startingWith: "") else { return usable.count }
                cores.insert(siblings)
            }
            return max(1, cores.count)
        #else
            return online
        #endif
    }

    /// The processor time that the control group allows this process, in cores, rounded up; nil without a limit.
    private static var quota: Int? {
        let second = line(of: "/sys/fs/cgroup/cpu.max", startingWith: "")?.split(separator: " ").map(String.init)
        let first = ["quota", "period"].map { line(of: "/sys/fs/cgroup/cpu/cpu.cfs_\($0)_us", startingWith: "") ?? "" }
        let numbers = (second ?? first).compactMap(Int.init)
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return max(1, (numbers[0] + numbers[1] - 1) / numbers[1])
    }

    /// The first line of a small file that starts with `start`, without it.
    private static func line(of path: String, startingWith start: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return text.split(separator: "\n").first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }

    /// The numbers in a list as Linux writes it: "0-3,8".
    private static func processors(in list: String) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return [] }
            return Array(first...last)
        }
    }

    /// The multiply-add rate that `threads` cores reach together on registers alone, with factors of `precision`, in
    /// floating-point operations per second, measured for about `seconds`.
    package func measuredPeak(seconds: Double) -> Double { gpt_peak_flops(kernels, precision.code, seconds) }

    /// The rate at which `threads` cores together read memory, in bytes per second, measured for about `seconds` over a
    /// buffer of `bytes`, which should be many times the size of the largest cache.
    package func measuredBandwidth(seconds: Double, bytes: Int = 1 << 30) -> Double {
        gpt_peak_bandwidth(kernels, Int64(bytes), seconds)
    }

    /// For the C kernels.
    package var kernels: gpt_execution {
        gpt_execution(instruction_set: instructionSet.code, threads: Int32(threads))
    }

    package static var kernels: gpt_execution { current.kernels }

    /// Starts the threads, as the first job would otherwise, and returns their number: fewer than `threads` if the
    /// system refuses to start more. Everything is then computed on these, with the same bits.
    package func startThreads() -> Int { Int(gpt_start_threads(Int32(threads))) }

    /// Calls `body` once for every number below `count`, in any order, on this many threads.
    package func forEach(below count: Int, _ body: @Sendable (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { context in
                gpt_parallel(
                    Int32(threads), Int64(count),
                    { context, i in context?.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(Int(i)) },
                    UnsafeMutableRawPointer(mutating: context))
            }
        }
    }

    /// `forEach(below:)` of the current execution, for code that must not depend on this module.
    package static var parallelLoop: (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void {
        { count, body in current.forEach(below: count, body) }
    }
}
