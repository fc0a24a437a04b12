import ArgumentParser
import Files
import Platform

/// `gpt serve` starts the program `gpt-serve`, as git and cargo start programs of their own: the HTTP server takes longer to
/// build than all of `gpt`, and whoever trains a model does not need it.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve models over HTTP with OpenAI's API.",
        discussion: "'gpt serve --help' shows the options, once the server is built.")

    /// The name of the program.
    private static let program = "gpt-serve"

    /// Reached only through 'gpt help serve', because `start` replaces the process.
    func run() throws { throw CleanExit.helpRequest(self) }

    /// Replaces this process by the server, which lies beside this program or in a directory of PATH.
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
            "gpt: the server is a program of its own, and \(program) is not beside this one or in PATH; build it: swift build "
                + "-c release --product \(program)")
        Platform.exit(1)
    }
}
