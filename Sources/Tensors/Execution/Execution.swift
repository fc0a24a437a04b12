import CKernels
import Platform
import Synchronization

/// The instruction set that kernels are run with. Each gives the same results up to rounding; for one of them the
/// results are the same bits every time, on any number of threads.
public enum InstructionSet: String, CaseIterable, Sendable {
    case scalar, avx2, avx512
    /// AVX-512 with dot products of bfloat16.
    case avx512bf16
    case neon
    /// NEON with dot products of bfloat16.
    case neonbf16
    /// Apple's Accelerate for products of 32-bit floats, the best of the others for all else. Accelerate promises no order
    /// of summation: for one release of the system bits are the same, for the next they may not be.
    case accelerate

    /// The sets that this machine can run, slowest first.
    public static let available = allCases.filter { $0 == .accelerate ? gpt_has_blas() : gpt_supports($0.code) }

    /// What kernels are told.
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

/// How kernels run: the instruction set, the number of threads, the precision of matrix products, and the format in which
/// generation reads weights. None of it is part of a model, so it is bound to the task rather than passed along:
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

    /// - Parameters:
    ///   - instructionSet: by default the fastest of the machine, or the one that the environment variable `GPT_KERNELS`
    ///     names.
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

    /// Runs `body` with products of another precision, and all else as it is.
    package static func with<Result>(_ precision: Precision, _ body: () throws -> Result) rethrows -> Result {
        var execution = current
        execution.precision = precision
        return try $current.withValue(execution, operation: body)
    }

    /// Runs `body` with weights of another format throughout, as `init(threads:weights:)`, and all else as it is.
    package static func with<Result>(weights format: WeightFormat, _ body: () throws -> Result) rethrows -> Result {
        var execution = current
        execution.precision = format.productPrecision ?? .float32
        execution.weightFormat = format
        return try $current.withValue(execution, operation: body)
    }

    /// The fastest instruction set of the machine, or the one that `GPT_KERNELS` names if the machine has it.
    public static let preferred: InstructionSet = {
        let fastest = InstructionSet.available.last ?? .scalar
        guard let wanted = getenv("GPT_KERNELS").map({ String(cString: $0) }) else { return fastest }
        return InstructionSet.available.first { $0.rawValue == wanted } ?? fastest
    }()

    /// Why `GPT_KERNELS` cannot be obeyed, if it cannot: one line for the person who set it.
    public static var complaint: String? {
        guard let wanted = getenv("GPT_KERNELS").map({ String(cString: $0) }), wanted != preferred.rawValue else {
            return nil
        }
        let names = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        return "GPT_KERNELS is '\(wanted)', which this machine cannot run; choose one of \(names)"
    }

    /// Cores that share no execution units with another, of those this process may use: a second hardware thread on
    /// a core does not multiply any faster. A container's quota of processor time counts as so many cores.
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

    /// How many cores' time a control group leaves this process, rounded up; nil where it sets no limit.
    private static var quota: Int? {
        let second = line(of: "/sys/fs/cgroup/cpu.max", startingWith: "")?.split(separator: " ").map(String.init)
        let first = ["quota", "period"].map { line(of: "/sys/fs/cgroup/cpu/cpu.cfs_\($0)_us", startingWith: "") ?? "" }
        let numbers = (second ?? first).compactMap(Int.init)
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return max(1, (numbers[0] + numbers[1] - 1) / numbers[1])
    }

    /// The rest of the first line of a small file that starts in a certain way.
    private static func line(of path: String, startingWith start: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return text.split(separator: "\n").first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }

    /// The numbers in a list as the kernel writes it: "0-3,8".
    private static func processors(in list: String) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return [] }
            return Array(first...last)
        }
    }

    /// The multiply-add rate that `threads` cores reach together on registers alone with factors of `precision`, in
    /// floating-point operations a second, measured for about `seconds`.
    package func measuredPeak(seconds: Double) -> Double { gpt_peak_flops(kernels, precision.code, seconds) }

    /// The rate at which `threads` cores together read memory, in bytes a second, measured for about `seconds` over a
    /// buffer of `bytes`: many times the size of the largest cache.
    package func measuredBandwidth(seconds: Double, bytes: Int = 1 << 30) -> Double {
        gpt_peak_bandwidth(kernels, Int64(bytes), seconds)
    }

    /// For the C kernels.
    package var kernels: gpt_execution {
        gpt_execution(instruction_set: instructionSet.code, threads: Int32(threads))
    }

    package static var kernels: gpt_execution { current.kernels }

    /// Starts the threads, which the first job would do otherwise, and returns how many there are: fewer than `threads` where
    /// the system refuses to start one. Everything is then computed on those, to the same bits.
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
