import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Server
import ServiceLifecycle

/// The transport of the API: HTTP/1.1 by Hummingbird, on SwiftNIO.
struct HTTPServer {
    /// What a client may cost before its request is answered.
    struct Limits {
        /// The greatest body, in bytes.
        var body = 4 << 20
        /// The greatest size of all headers, in bytes, and their number.
        var headers = 32 << 10
        var headerCount = 100
        /// The time in which a body must have arrived.
        var bodyTime = Duration.seconds(30)
        /// The time after which a connection without a request is closed.
        var idleTime = TimeAmount.seconds(15)
        /// The most connections at the same time.
        var connections = 1000
        /// The time that responses under way have when the server ends.
        var shutdownTime = Duration.seconds(2)
    }

    let api: API
    var limits = Limits()

    /// Serves until a signal ends the process (SIGINT, SIGTERM).
    /// - Parameters:
    ///   - host: the address of the interface.
    ///   - port: the port; 0 for one that is free.
    ///   - onStart: called with the port when the server answers.
    func run(host: String, port: Int, onStart: @escaping @Sendable (Int) -> Void) async throws {
        let logger = Logger(label: "gpt") { _ in SwiftLogNoOpLogHandler() }
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [DisconnectWatch()], idleTimeout: limits.idleTime,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headers, maxHeaderListSize: limits.headers,
                maxHeaderFieldCount: limits.headerCount))
        let server = try HTTPServerBuilder.http1(configuration: http).buildServer(
            configuration: ServerConfiguration(
                address: .hostname(host, port: port), backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { request, writer, channel in try await respond(to: request, writer, on: channel) },
            onServerRunning: { channel in onStart(channel.localAddress?.port ?? port) })
        var group = ServiceGroupConfiguration(
            services: [server], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        group.maximumGracefulShutdownDuration = limits.shutdownTime
        try await ServiceGroup(configuration: group).run()
    }

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel
    ) async throws {
        let isExpected = (request.headers[.contentLength].flatMap { Int($0) } ?? 0) <= limits.body
        if isExpected, request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let (response, isBodyRead) = try await response(to: request, on: channel)
        var head = HTTPResponse(status: .init(code: response.status))
        for (name, value) in response.headers {
            if let name = HTTPField.Name(name) { head.headerFields[name] = value }
        }
        head.headerFields[.init("X-Content-Type-Options")!] = "nosniff"
        // What is left of a body that was not read would be taken for the next request.
        if !isBodyRead { head.headerFields[.connection] = "close" }
        switch response.body {
        case .bytes(let bytes):
            head.headerFields[.contentLength] = String(bytes.count)
            if request.method == .head {
                try await writer.writeResponse(head)
            } else {
                try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
            }
        case .stream(let write):
            // Only the task that is awaited uses the writer.
            nonisolated(unsafe) var body = try await writer.writeHead(head)
            try await cancelling(when: channel) {
                try await write { bytes in try await body.write(ByteBuffer(bytes: bytes)) }
            }
            try await body.finish(nil)
        }
        if !isBodyRead { try await channel.close() }
    }

    private func response(to request: Request, on channel: any Channel) async throws -> (APIResponse, isBodyRead: Bool)
    {
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if length > limits.body { return (tooLarge, false) }
        var headers: [String: String] = [:]
        for field in request.headers {
            // Several fields of one name are joined, as RFC 9110 describes. So two hosts or two keys are refused.
            let name = field.name.canonicalName
            headers[name] = headers[name].map { "\($0), \(field.value)" } ?? field.value
        }
        headers["host"] = request.head.authority ?? headers["host"]
        let query = Dictionary(
            request.uri.queryParameters.map { (String($0.key), String($0.value)) },
            uniquingKeysWith: { first, _ in first })
        var api = APIRequest(
            method: request.method.rawValue, path: request.uri.path, query: query, headers: headers)
        do {
            api.body = try await body(of: request)
        } catch is NIOTooManyBytesError {
            return (tooLarge, false)
        } catch is TimedOut {
            return (self.api.refuse(status: 408, "the body did not arrive in time; send it at once"), false)
        }
        let complete = api
        return (try await cancelling(when: channel) { try await self.api.respond(to: complete) }, true)
    }

    private var tooLarge: APIResponse {
        api.refuse(status: 413, "the body is larger than \(limits.body) bytes; divide the request")
    }

    private struct TimedOut: Error {}

    private func body(of request: Request) async throws -> [UInt8] {
        let limits = limits
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                let buffer = try await request.body.collect(upTo: limits.body)
                return Array(buffer.readableBytesView)
            }
            group.addTask {
                try await Task.sleep(for: limits.bodyTime)
                throw TimedOut()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    /// Computes in a task that is cancelled when the client closes the connection.
    private func cancelling<Result: Sendable>(
        when channel: any Channel, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task { try await body() }
        let watch = try await channel.pipeline.handler(type: DisconnectWatch.self).get()
        watch.watch { task.cancel() }
        defer { watch.watch(nil) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
