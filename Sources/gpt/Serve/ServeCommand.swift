import ArgumentParser
import Files
import Platform

/// `gpt serve` starts the program `gpt-serve`, as git and cargo start their subcommands. The HTTP server takes minutes to build
/// and is not needed to train a model, so it is not part of `gpt`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start a local HTTP server for models, with an API compatible with OpenAI's.",
        discussion: """
            The server is a separate program, which takes some minutes to build:

              GPT_SERVE=1 swift build -c release --product gpt-serve

            Then 'gpt serve --help' shows its options.
            """)

    /// The name of the program.
    private static let program = "gpt-serve"

    /// Reached only through 'gpt help serve', because `start` replaces the process.
    func run() throws { throw CleanExit.helpRequest(self) }

    /// Replaces this process by the server, which is in the directory of this program or in PATH.
    static func start(_ arguments: [String]) -> Never {
        var strings = ([program] + arguments).map { strdup($0) } + [nil]
        if let own = CommandLine.arguments.first, own.contains("/"), let resolved = realpath(own, nil) {
            let path = Files.parent(of: String(cString: resolved)) + "/" + program
            free(resolved)
            execv(path, &strings)
        }
        execvp(program, &strings)
        for string in strings { free(string) }
        note(
            "gpt: the server \(program) is neither in the directory of gpt nor in PATH; build it: "
                + "GPT_SERVE=1 swift build -c release --product \(program)")
        Platform.exit(1)
    }
}
