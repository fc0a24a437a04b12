/// The functions of MPI that are used, for messages of bytes among all processes, whatever the ABI of the library. Each returns
/// MPI's error code, 0 for success.
struct Functions: Sendable {
    /// MPI_Init_thread with the level MPI_THREAD_SERIALIZED. It returns MPI's error code, and whether the library provides this
    /// level.
    let initialize: @Sendable () -> (code: Int32, isSerialized: Bool)
    /// MPI_Finalize.
    let finalize: @Sendable () -> Int32
    /// MPI_Comm_rank and MPI_Comm_size.
    let rank: @Sendable (UnsafeMutablePointer<Int32>) -> Int32
    let size: @Sendable (UnsafeMutablePointer<Int32>) -> Int32
    /// MPI_Comm_set_errhandler: errors are returned rather than ending the process.
    let returnErrors: @Sendable () -> Int32
    /// MPI_Isend: bytes, their number, the other rank, and where the request is stored.
    let send: @Sendable (UnsafeRawPointer, Int32, Int32, UnsafeMutableRawPointer) -> Int32
    /// MPI_Irecv.
    let receive: @Sendable (UnsafeMutableRawPointer, Int32, Int32, UnsafeMutableRawPointer) -> Int32
    /// MPI_Testall: the number of requests, the requests, and where it is stored whether all are complete.
    let testAll: @Sendable (Int32, UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>) -> Int32
    /// MPI_Abort, which ends all processes.
    let abort: @Sendable (Int32) -> Int32
    /// MPI_Error_string and MPI_Get_library_version.
    let errorText: @Sendable (Int32, UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
    let version: @Sendable (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
    /// The size of a request in bytes.
    let requestSize: Int

    /// The greatest length of a text of MPI, with its end.
    static let textLength = 8192

    init(_ library: LoadedLibrary) throws {
        switch library.interface {
        case .standard: try self.init(library, wide: BinaryInterface.standardConstants)
        case .openMPI:
            let names = BinaryInterface.openMPISymbols, constants = BinaryInterface.openMPIConstants
            func address(_ symbol: String) throws -> Int { Int(bitPattern: try library.address(symbol)) }
            try self.init(
                library,
                wide: .init(
                    world: address(names.world), byte: address(names.byte), errorsReturn: address(names.errorsReturn),
                    statusesIgnore: constants.statusesIgnore, serialized: constants.serialized))
        case .mpich: try self.init(library, narrow: BinaryInterface.mpichConstants)
        }
    }

    private typealias Numbers = UnsafeMutablePointer<Int32>
    private typealias Bytes = UnsafeMutableRawPointer

    /// Functions whose handles are as large as pointers.
    private init(_ library: LoadedLibrary, wide c: BinaryInterface.Constants) throws {
        typealias Query = @convention(c) (Int, Numbers) -> Int32
        typealias Transfer = @convention(c) (Bytes, Int32, Int, Int32, Int32, Int, Bytes) -> Int32
        let rank = try library.function("MPI_Comm_rank", as: Query.self)
        let size = try library.function("MPI_Comm_size", as: Query.self)
        let handler = try library.function("MPI_Comm_set_errhandler", as: (@convention(c) (Int, Int) -> Int32).self)
        let send = try library.function("MPI_Isend", as: Transfer.self)
        let receive = try library.function("MPI_Irecv", as: Transfer.self)
        let abort = try library.function("MPI_Abort", as: (@convention(c) (Int, Int32) -> Int32).self)
        try self.init(
            library, c, requestSize: MemoryLayout<Int>.size, rank: { rank(c.world, $0) }, size: { size(c.world, $0) },
            returnErrors: { handler(c.world, c.errorsReturn) },
            send: { send(Bytes(mutating: $0), $1, c.byte, $2, 0, c.world, $3) },
            receive: { receive($0, $1, c.byte, $2, 0, c.world, $3) }, abort: { abort(c.world, $0) })
    }

    /// Functions whose handles are 32-bit integers.
    private init(_ library: LoadedLibrary, narrow c: BinaryInterface.Constants) throws {
        typealias Query = @convention(c) (Int32, Numbers) -> Int32
        typealias Transfer = @convention(c) (Bytes, Int32, Int32, Int32, Int32, Int32, Bytes) -> Int32
        let (world, byte, errorsReturn) = (Int32(c.world), Int32(c.byte), Int32(c.errorsReturn))
        let rank = try library.function("MPI_Comm_rank", as: Query.self)
        let size = try library.function("MPI_Comm_size", as: Query.self)
        let handler = try library.function("MPI_Comm_set_errhandler", as: (@convention(c) (Int32, Int32) -> Int32).self)
        let send = try library.function("MPI_Isend", as: Transfer.self)
        let receive = try library.function("MPI_Irecv", as: Transfer.self)
        let abort = try library.function("MPI_Abort", as: (@convention(c) (Int32, Int32) -> Int32).self)
        try self.init(
            library, c, requestSize: MemoryLayout<Int32>.size, rank: { rank(world, $0) }, size: { size(world, $0) },
            returnErrors: { handler(world, errorsReturn) },
            send: { send(Bytes(mutating: $0), $1, byte, $2, 0, world, $3) },
            receive: { receive($0, $1, byte, $2, 0, world, $3) }, abort: { abort(world, $0) })
    }

    /// With the functions that have no handles.
    private init(
        _ library: LoadedLibrary, _ constants: BinaryInterface.Constants, requestSize: Int,
        rank: @escaping @Sendable (Numbers) -> Int32, size: @escaping @Sendable (Numbers) -> Int32,
        returnErrors: @escaping @Sendable () -> Int32,
        send: @escaping @Sendable (UnsafeRawPointer, Int32, Int32, Bytes) -> Int32,
        receive: @escaping @Sendable (Bytes, Int32, Int32, Bytes) -> Int32,
        abort: @escaping @Sendable (Int32) -> Int32
    ) throws {
        typealias Initialize = @convention(c) (Numbers?, Bytes?, Int32, Numbers) -> Int32
        typealias TestAll = @convention(c) (Int32, Bytes, Numbers, Bytes?) -> Int32
        typealias Text = UnsafeMutablePointer<CChar>
        let initialize = try library.function("MPI_Init_thread", as: Initialize.self)
        let testAll = try library.function("MPI_Testall", as: TestAll.self)
        self.initialize = {
            var provided: Int32 = 0
            let code = initialize(nil, nil, constants.serialized, &provided)
            return (code, provided >= constants.serialized)
        }
        finalize = try library.function("MPI_Finalize", as: (@convention(c) @Sendable () -> Int32).self)
        errorText = try library.function(
            "MPI_Error_string", as: (@convention(c) @Sendable (Int32, Text, Numbers) -> Int32).self)
        version = try library.function(
            "MPI_Get_library_version", as: (@convention(c) @Sendable (Text, Numbers) -> Int32).self)
        self.testAll = { testAll($0, $1, $2, Bytes(bitPattern: constants.statusesIgnore)) }
        self.requestSize = requestSize
        (self.rank, self.size, self.returnErrors) = (rank, size, returnErrors)
        (self.send, self.receive, self.abort) = (send, receive, abort)
    }
}
