import MessagePassing
import Testing

@Suite("Launchers of MPI")
struct LauncherTests {
    @Test("A launcher is known by its variables")
    func known() throws {
        let cases: [(Launcher.Kind, [String: String])] = [
            (.openMPI, ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "1"]),
            (.hydra, ["PMI_RANK": "1", "PMI_SIZE": "4"]),
            (.slurm, ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "4"]),
            // srun --mpi=pmi2.
            (.hydra, ["PMI_RANK": "1", "PMI_SIZE": "4", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"]),
            (.unknown, ["RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "0"]),
            // mpirun in the shell of a job.
            (
                .openMPI,
                ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"]
            ),
        ]
        for (kind, environment) in cases {
            let launcher = try #require(Launcher(environment: environment))
            #expect(launcher.kind == kind && launcher.rank == 1 && launcher.size == 4, "\(environment)")
        }
    }

    @Test(
        "Variables that do not say which process this is are no launcher",
        arguments: [
            [:], ["WORLD_SIZE": "2"], ["RANK": "0"], ["SLURM_NTASKS": "4", "SLURM_PROCID": "0"],
            ["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"], ["PMI_RANK": "4", "PMI_SIZE": "4"],
            ["PMI_RANK": "-1", "PMI_SIZE": "4"], ["PMI_RANK": "one", "PMI_SIZE": "two"],
            ["PMI_RANK": "", "PMI_SIZE": ""],
        ])
    func unknown(_ environment: [String: String]) {
        #expect(Launcher(environment: environment) == nil)
    }

    @Test("A library that cannot be loaded is an error of one line that says what to do")
    func missingLibrary() throws {
        let launcher = try #require(Launcher(environment: ["PMI_RANK": "0", "PMI_SIZE": "2"]))
        do {
            _ = try MPICommunicator(launcher, library: "/no/such/libmpi.so")
            Issue.record("it was loaded")
        } catch let error as MessagePassingError {
            #expect(error.description.contains("/no/such/libmpi.so") && error.description.contains("GPT_MPI_LIBRARY"))
            #expect(error.description.contains("2 processes") && !error.description.contains("\n"))
        }
    }

    @Test("A library that is none of MPI is an error that names it")
    func otherLibrary() throws {
        #if os(Linux)
            let launcher = try #require(Launcher(environment: ["PMI_RANK": "0", "PMI_SIZE": "2"]))
            do {
                _ = try MPICommunicator(launcher, library: "libm.so.6")
                Issue.record("it was used")
            } catch let error as MessagePassingError {
                #expect(error.description.contains("libm.so.6 is no library of MPI"))
            }
        #endif
    }
}
