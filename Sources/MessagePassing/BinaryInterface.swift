/// An application binary interface of MPI: what the names of its C interface stand for in a compiled library.
///
/// MPI 5.0 defines one for all libraries. Before that, MPICH and those derived from it had one, and Open MPI another. Only bytes
/// are sent, and sums are computed here, so a communicator, a type, an error handler and a null pointer are all that differs.
enum BinaryInterface: Sendable, Equatable {
    /// The standard ABI (MPI 5.0, chapter 20): handles are as large as pointers.
    case standard
    /// MPICH's (libmpi.so.12), also that of Intel MPI, MVAPICH and Cray MPICH: handles are 32-bit integers.
    case mpich
    /// Open MPI's (libmpi.so.40): handles are addresses of objects in the library.
    case openMPI

    /// The constants of an ABI whose handles are integers.
    struct Constants {
        /// MPI_COMM_WORLD.
        let world: Int
        /// MPI_BYTE.
        let byte: Int
        /// MPI_ERRORS_RETURN.
        let errorsReturn: Int
        /// MPI_STATUSES_IGNORE.
        let statusesIgnore: Int
        /// MPI_THREAD_SERIALIZED: any thread calls MPI, but no two at the same time.
        let serialized: Int32
    }

    /// The constants of mpi_abi.h.
    static let standardConstants = Constants(
        world: 0x101, byte: 0x247, errorsReturn: 0x143, statusesIgnore: 0, serialized: 2048)
    /// The constants of MPICH's mpi.h.
    static let mpichConstants = Constants(
        world: 0x4400_0000, byte: 0x4c00_010d, errorsReturn: 0x5400_0001, statusesIgnore: 1, serialized: 2)
    /// The names of Open MPI's objects, in the same order.
    static let openMPISymbols = (
        world: "ompi_mpi_comm_world", byte: "ompi_mpi_byte", errorsReturn: "ompi_mpi_errors_return"
    )
    /// The other constants of Open MPI's mpi.h.
    static let openMPIConstants = (statusesIgnore: 0, serialized: Int32(2))

    /// The names under which the libraries that a launcher may belong to are looked for, best first.
    static func names(for kind: Launcher.Kind) -> [String] {
        #if canImport(Darwin)
            let standard = ["libmpi_abi.1.dylib", "libmpi_abi.dylib"]
            let mpich = ["libmpi.12.dylib", "libmpich.12.dylib", "libpmpi.12.dylib"]
            let openMPI = ["libmpi.40.dylib"]
        #else
            // Debian calls MPICH's library libmpich.so.12.
            let standard = ["libmpi_abi.so.1"], mpich = ["libmpi.so.12", "libmpich.so.12"], openMPI = ["libmpi.so.40"]
        #endif
        return switch kind {
        case .openMPI: openMPI + standard
        case .hydra: standard + mpich
        case .slurm: standard + openMPI + mpich
        case .unknown: []
        }
    }
}
