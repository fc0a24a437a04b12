import Platform

/// The program that started this process as one of several, as its environment variables say.
public struct Launcher: Sendable, Equatable {
    /// How a launcher and its processes find each other, which decides which library fits.
    public enum Kind: Sendable, Equatable {
        /// Open MPI's mpirun.
        case openMPI
        /// Hydra: mpirun of MPICH, Intel MPI and MVAPICH; and Slurm's srun --mpi=pmi2.
        case hydra
        /// Slurm's srun, with a PMIx server or without any.
        case slurm
        /// Something that sets WORLD_SIZE and RANK as torchrun does.
        case unknown
    }

    public let kind: Kind
    /// The number of this process among all that were started.
    public let rank: Int
    /// The number of processes.
    public let size: Int
    /// The number of this process among those on this machine; 0 if the launcher does not say it.
    public let localRank: Int

    /// How messages call it.
    public var name: String {
        switch kind {
        case .openMPI: "mpirun of Open MPI"
        case .hydra: "mpirun of MPICH"
        case .slurm: "srun"
        case .unknown: "the launcher"
        }
    }

    /// What a user can do if the processes do not find each other.
    public var advice: String {
        switch kind {
        case .openMPI: "install Open MPI's library, or name it with GPT_MPI_LIBRARY"
        case .hydra: "install MPICH's library, or name it with GPT_MPI_LIBRARY"
        case .slurm: "use srun --mpi=pmix or --mpi=pmi2 and the library that belongs to it"
        case .unknown: "start it with mpirun, or unset WORLD_SIZE"
        }
    }

    /// The launcher of this process.
    public static let current = Launcher(environment: environment)

    /// The library that the user wants, if any, or "none" for training by itself whatever has started this process.
    public static let wantedLibrary = environment["GPT_MPI_LIBRARY"].flatMap { $0.isEmpty ? nil : $0 }

    /// The launcher that has set environment variables; nil if there is none.
    ///
    /// A batch script of Slurm has SLURM_NTASKS as well, but only what srun has started has a step. WORLD_SIZE is only
    /// believed together with RANK.
    public init?(environment: [String: String]) {
        let variables: [(Kind, rank: String, size: String, also: String?)] = [
            (.openMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nil),
            (.hydra, "PMI_RANK", "PMI_SIZE", nil),
            (.slurm, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"),
            (.unknown, "RANK", "WORLD_SIZE", nil),
        ]
        for (kind, rank, size, also) in variables {
            guard let rank = environment[rank].flatMap({ Int($0) }), let size = environment[size].flatMap({ Int($0) }),
                also.map({ environment[$0] != nil }) ?? true, (0..<size).contains(rank)
            else { continue }
            (self.kind, self.rank, self.size) = (kind, rank, size)
            localRank = Self.localRanks.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 0
            return
        }
        return nil
    }

    /// The variables that number the processes on a machine.
    private static let localRanks = [
        "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID", "LOCAL_RANK",
    ]

    /// The variables of this process that matter here.
    private static let environment: [String: String] = {
        let names = [
            "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_STEP_ID",
            "SLURM_STEP_NUM_TASKS", "RANK", "WORLD_SIZE", "GPT_MPI_LIBRARY",
        ]
        return (names + localRanks).reduce(into: [:]) { variables, name in
            variables[name] = getenv(name).map { String(cString: $0) }
        }
    }()
}
