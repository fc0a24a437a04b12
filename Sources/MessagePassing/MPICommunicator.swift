import Dispatch
import Platform
import Training

/// The ranks that a launcher of MPI has started, on one machine or several.
///
/// Any thread may call its functions, but no two at the same time (MPI_THREAD_SERIALIZED); where the library does not provide that,
/// only the thread that created it (MPI_THREAD_FUNNELED).
public final class MPICommunicator: Communicator {
    public let rank: Int
    public let size: Int
    /// The library, as it calls itself.
    public let version: String
    public let isCallableFromAnyThread: Bool
    private let functions: Functions

    /// Joins the other processes of a launcher.
    /// - Parameters:
    ///   - launcher: what has started this process.
    ///   - wanted: the library that the user has named; nil for that of the launcher.
    /// - Throws: `MessagePassingError` if there is no library, or it does not find the other processes.
    public init(_ launcher: Launcher, library wanted: String? = nil) throws {
        let library = try LoadedLibrary.open(for: launcher, wanted: wanted)
        let functions = try Functions(library)
        self.functions = functions
        version = Self.text { functions.version($0, $1) }
        let (code, isSerialized) = functions.initialize()
        isCallableFromAnyThread = isSerialized
        guard code == 0, functions.returnErrors() == 0 else {
            throw MessagePassingError("\(library.name) cannot be initialized; \(launcher.advice)")
        }
        var rank: Int32 = -1, size: Int32 = -1
        guard functions.rank(&rank) == 0, functions.size(&size) == 0 else {
            throw MessagePassingError("\(library.name) does not say which rank this process has; \(launcher.advice)")
        }
        (self.rank, self.size) = (Int(rank), Int(size))
        if size != launcher.size {
            throw MessagePassingError(
                "\(launcher.name) has started \(launcher.size) processes, but \(library.name) knows \(size): it belongs to another "
                    + "launcher; use the mpirun of that library, or name another library with GPT_MPI_LIBRARY")
        }
    }

    /// The name of this machine.
    public static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        return gethostname(&name, name.count - 1) == 0
            ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "unknown"
    }

    /// Ends MPI. All ranks must call this, after they have waited for each other (`wait`), and nothing else afterwards.
    ///
    /// In MPICH 4.0 with UCX over TCP, MPI_Finalize does not always return: two of 25 runs on four hosts with a delay of 1 ms
    /// did not end. At this point no rank waits for a message, so the process can end without MPI_Finalize.
    /// - Parameter onTimeout: called on another thread if the library has not returned after ten seconds. It ends the process.
    public func finalize(onTimeout: @escaping @Sendable () -> Never) {
        let limit = DispatchWorkItem { onTimeout() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 10, execute: limit)
        _ = functions.finalize()
        limit.cancel()
    }

    /// Ends the processes of all ranks at once, and this one with an exit status.
    public func abort(status: Int32) -> Never {
        _ = functions.abort(status)
        _exit(status)
    }

    /// The longest message. What is longer is sent in parts, because MPI counts in 32-bit numbers.
    private static let longest = 1 << 30

    public func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) throws {
        func parts(_ count: Int) -> [Range<Int>] {
            stride(from: 0, to: count, by: Self.longest).map { $0..<min($0 + Self.longest, count) }
        }
        let count =
            incoming.reduce(0) { $0 + parts($1.bytes.count).count }
            + outgoing.reduce(0) { $0 + parts($1.bytes.count).count }
        guard count > 0 else { return }
        let requests = UnsafeMutableRawPointer.allocate(byteCount: count * functions.requestSize, alignment: 8)
        defer { requests.deallocate() }
        var next = requests
        // Receives first: what then arrives is put where it belongs at once.
        for message in incoming {
            for part in parts(message.bytes.count) {
                let start = message.bytes.baseAddress! + part.lowerBound
                try check(functions.receive(start, Int32(part.count), Int32(message.rank), next), message.rank)
                next += functions.requestSize
            }
        }
        for message in outgoing {
            for part in parts(message.bytes.count) {
                let start = message.bytes.baseAddress! + part.lowerBound
                try check(functions.send(start, Int32(part.count), Int32(message.rank), next), message.rank)
                next += functions.requestSize
            }
        }
        var pause = Pause(isInBackground: ExchangeQueue.isInBackground)
        var isComplete: Int32 = 0
        while true {
            try check(functions.testAll(Int32(count), requests, &isComplete), nil)
            if isComplete != 0 { return }
            pause.wait()
        }
    }

    private func check(_ code: Int32, _ other: Int?) throws {
        guard code != 0 else { return }
        let reason = Self.text { functions.errorText(code, $0, $1) }.split(separator: "\n").first ?? "an unknown error"
        throw MessagePassingError(
            "rank \(rank) on \(Self.host) has lost \(other.map { "rank \($0)" } ?? "another rank"): \(reason)")
    }

    /// A text that a function of MPI writes.
    private static func text(
        _ write: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
    ) -> String {
        var characters = [CChar](repeating: 0, count: Functions.textLength), length: Int32 = 0
        guard write(&characters, &length) == 0 else { return "" }
        return String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The time between two calls that test whether messages have arrived. MPI makes progress only while it is called, so it is called
/// continuously at first, and less often the longer nothing arrives: a rank that waits for a validation leaves its core to others.
/// In the background it is called less often from the beginning, because the other threads compute on all cores.
private struct Pause {
    private let begin = ContinuousClock.now
    private let isInBackground: Bool
    private var looks = 0

    init(isInBackground: Bool) { self.isInBackground = isInBackground }

    mutating func wait() {
        looks += 1
        if looks < 100, !isInBackground { return }
        let waited = ContinuousClock.now - begin
        if waited < .milliseconds(5), !isInBackground {
            sched_yield()
        } else {
            usleep(waited < .milliseconds(200) ? 50 : 1000)
        }
    }
}
