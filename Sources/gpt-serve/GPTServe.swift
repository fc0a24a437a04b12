import ArgumentParser
import Inference
import NIOCore
import Platform
import Server
import Tensors

/// `gpt serve`: serves models over HTTP. It is a program of its own, so that `gpt` does not wait for the server to be built.
@main
struct GPTServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpt serve",
        abstract: "Start a local HTTP server for models, with an API compatible with OpenAI's.",
        discussion: """
            'gpt serve model' prints the address when the server is ready. Programs that use OpenAI's API can then use the model: set \
            their base URL to http://127.0.0.1:8080/v1. Concurrent requests are processed together in one batch, \
            and the text of a request does not depend on the others. Ctrl-C ends the server.

              gpt serve model
              curl http://127.0.0.1:8080/v1/completions -d '{"prompt": "ROMEO:", "max_tokens": 100}'

            The server can be reached from this machine only, unless --host gives another address. Its endpoints are /v1/models, \
            /v1/completions, /v1/chat/completions, /v1/embeddings, /classify, /translate, /tokenize, /health and /metrics.
            """,
        version: version)

    static let version = "0.1.0"

    @Argument(
        help: ArgumentHelp(
            "The models: directories that 'gpt train' wrote or in the format of Hugging Face's transformers, or GGUF files. "
                + "Requests name a model by the last part of its path; ID=PATH gives another name.",
            valueName: "model"))
    var models: [String]

    @Option(help: ArgumentHelp("The address of the network interface.", valueName: "address"))
    var host = "127.0.0.1"

    @Option(help: ArgumentHelp("The port, 0 to 65535; 0 chooses a free one.", valueName: "number"))
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "The key that requests must carry as 'Authorization: Bearer KEY'. (default: none, or that of the environment "
                + "variable GPT_API_KEY, which other users of the machine cannot see)", valueName: "key"))
    var apiKey: String?

    @Option(
        help: ArgumentHelp(
            "The origin of pages of other servers that may send requests, such as http://localhost:3000. It can be given "
                + "several times. (default: none)", valueName: "origin"))
    var origin: [String] = []

    @Option(
        help: ArgumentHelp(
            "The maximum number of texts that a model generates at the same time. Further ones wait.",
            valueName: "number"))
    var maxConcurrent = 16

    @Option(
        help: ArgumentHelp(
            "The maximum number of texts that wait. Further requests are refused with the status 429.",
            valueName: "number"))
    var maxWaiting = 256

    @Option(
        help: ArgumentHelp(
            "The number of threads, 1 to 255. (default: the number of physical cores)", valueName: "number"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "The number format of the weights: f32 (exact), bf16 or int8. bf16 and int8 read fewer bytes and are faster.",
            valueName: "format"))
    var precision = WeightFormat.float32

    @Flag(
        help: """
            Use the models even if their config.json, tokenizer.json or generation_config.json was edited after they were \
            saved.
            """)
    var acceptEditedFiles = false

    func validate() throws {
        if models.isEmpty { throw ValidationError("Give at least one model.") }
        if models.contains("") { throw ValidationError("The path of a model is empty.") }
        for (name, value, range) in [
            ("--port", port, 0...65535), ("--max-concurrent", maxConcurrent, 1...4096),
            ("--max-waiting", maxWaiting, 0...1_000_000), ("--threads", threads ?? 1, 1...255),
        ] where !range.contains(value) {
            throw ValidationError(
                "The value of \(name) is \(value); it must be from \(range.lowerBound) to \(range.upperBound).")
        }
        if apiKey == "" { throw ValidationError("The key of --api-key is empty.") }
        let names = Self.named(models).map(\.id)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("Two models have the name '\(twice)'; give one of them another, as ID=PATH.")
        }
    }

    func run() async throws {
        do { try await serve() } catch let failure as ServeFailure {
            note("gpt serve: \(failure)")
            throw ExitCode.failure
        }
    }

    private func serve() async throws {
        if let complaint = Execution.complaint { throw ServeFailure(complaint) }
        let execution = Execution(threads: threads ?? Execution.physicalCores, weights: precision)
        let limits = EngineLimits(concurrentTexts: maxConcurrent, waitingTexts: maxWaiting)
        let served = try Self.named(models).map { id, path in
            do {
                return try ServedModel(
                    id: id, path: path, limits: limits, execution: execution, acceptingEdits: acceptEditedFiles)
            } catch { throw ServeFailure("\(error)") }
        }
        let key = apiKey ?? getenv("GPT_API_KEY").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        let isLoopback = AccessRules.isLoopback(host)
        if !isLoopback, key == nil {
            note("gpt serve: everyone who can reach \(host) can use the models; give --api-key to require a key")
        }
        let api = API(
            served, access: AccessRules(key: key, isLoopbackOnly: isLoopback, origins: origin), version: Self.version,
            fingerprint: "\(execution.instructionSet.rawValue)-\(precision.rawValue)", clock: { time(nil) })
        var server = HTTPServer(api: api)
        server.limits.connections = Self.connectionLimit
        let address = host.contains(":") ? "[\(host)]" : host
        let names = served.map(\.id).joined(separator: ", ")
        do {
            try await server.run(host: host, port: port) { port in
                print("Serving \(names) at http://\(address):\(port)")
                fflush(nil)
            }
        } catch {
            throw ServeFailure("cannot listen at \(address), port \(port): \(reason(error))")
        }
    }

    /// Why the system refuses an address, and what to do.
    private func reason(_ error: any Error) -> String {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: "another program uses this port; choose another one with --port, or --port 0 for a free one"
        case EACCES: "ports below 1024 need rights that this user does not have; choose another one with --port"
        case EADDRNOTAVAIL: "this machine has no network interface with this address; choose one of its own with --host"
        default:
            error is SocketAddressError
                ? "there is no such address; choose one of this machine with --host" : "\(error)"
        }
    }

    /// The models with their names: the last part of the path, or what precedes `=`.
    static func named(_ models: [String]) -> [(id: String, path: String)] {
        models.map { model in
            if let equals = model.firstIndex(of: "="), equals != model.startIndex, !model[..<equals].contains("/") {
                return (String(model[..<equals]), String(model[model.index(after: equals)...]))
            }
            let name = model.split(separator: "/").last.map(String.init) ?? model
            return (name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name, model)
        }
    }

    /// The connections that the limit of open files leaves room for, once it is raised as far as the system allows: clients that
    /// connect and say nothing must not keep others out.
    private static var connectionLimit: Int {
        var limit = rlimit()
        guard getrlimit(openFilesResource, &limit) == 0 else { return 256 }
        let wanted = min(limit.rlim_max, 16_384)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            setrlimit(openFilesResource, &limit)
            getrlimit(openFilesResource, &limit)
        }
        return max(16, min(10_000, Int(clamping: limit.rlim_cur) - 64))
    }

    private func note(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

#if canImport(Glibc)
    private let openFilesResource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
    private let openFilesResource = RLIMIT_NOFILE
#endif

extension WeightFormat: ExpressibleByArgument {}

/// A failure with its message of one line.
struct ServeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
